"""The importance of each feature, and its mean contribution by value, over all training rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.signature import Feature, Signature
from churn_api.registry.global_explanation import ContributionBin, FeatureExplanation
from churn_api.training.curves import rounded
from churn_api.training.feature_bins import feature_bins
from churn_api.training.reasons.reasons_graph import Background


class BackgroundEffects:
    """Sums contributions of the training rows, block by block: those of all rows would not fit into memory."""

    def __init__(self, signature: Signature, background: Background) -> None:
        self._features = signature.features
        self._weights = background.weights
        self._importance = np.zeros(len(signature.features))
        self._bins = [_Bins(feature, cells) for feature, cells in _cells(signature, background)]

    def add(self, rows: slice, contributions: NDArray[np.float64]) -> None:
        """Add the contributions of some rows, shape (n, features)."""
        weights = self._weights[rows]
        self._importance += weights @ np.abs(contributions)
        for bins, column in zip(self._bins, contributions.T, strict=True):
            bins.add(rows, weights, column)

    @property
    def importance(self) -> NDArray[np.float64]:
        """The mean size of each feature's contributions, shape (features,)."""
        return self._importance

    def features(self) -> tuple[FeatureExplanation, ...]:
        """The features, the most important first."""
        return tuple(
            FeatureExplanation(
                feature=self._features[index].name,
                importance=rounded(self._importance[index]),
                reference=self._features[index].reference,
                bins=tuple(self._bins[index].means()),
            )
            for index in np.argsort(-self._importance, kind="stable").tolist()
        )


class _Bins:
    """The bins of one feature. A row in none of them is counted in a last one, which is not shown."""

    def __init__(self, feature: Feature, cells: NDArray[Any]) -> None:
        found = list(feature_bins(feature, cells))
        self._parts = [part for part, _ in found]
        self._of_row = np.full(len(cells), len(found), np.int8)
        for index, (_, rows) in enumerate(found):
            self._of_row[rows] = index
        self._shares, self._sums = np.zeros((2, len(found) + 1))

    def add(self, rows: slice, weights: NDArray[np.float64], contributions: NDArray[np.float64]) -> None:
        of_row = self._of_row[rows]
        self._shares += np.bincount(of_row, weights, len(self._shares))
        self._sums += np.bincount(of_row, weights * contributions, len(self._sums))

    def means(self) -> Iterator[ContributionBin]:
        for part, share, total in zip(self._parts, self._shares.tolist(), self._sums.tolist(), strict=False):
            if share:
                yield ContributionBin(**part, share=rounded(share), contribution=rounded(total / share))


def _cells(signature: Signature, background: Background) -> Iterator[tuple[Feature, NDArray[Any]]]:
    numbers, texts = iter(background.columns.numbers.T), iter(background.columns.texts.T)
    for feature in signature.features:
        yield feature, next(numbers) if feature.numeric else next(texts)
