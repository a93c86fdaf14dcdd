"""Counts records and probabilities by the bins of a baseline."""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Feature, Signature
from churn_api.registry.baseline import SCORE_BINS, FeatureBins

SAMPLE_ROWS = 256
"""Of a block of a table. Counting all takes as long as a tenth of scoring."""

Counts = NDArray[np.float64]
"""Shape (size,): rows by bin of each feature in the baseline's order, then by bin of the probability, then the sum of
the probabilities in each. Counts of different rows can be added."""

Binner = Callable[[Columns], NDArray[np.intp]]
"""From n records to the bin of each, shape (n,)."""


class CountedBins(NamedTuple):
    """Counts by what they count."""

    features: tuple[Counts, ...]
    """In the baseline's order, each of the feature's number of bins."""
    scores: Counts
    """Shape (SCORE_BINS,)."""
    sums: Counts
    """Shape (SCORE_BINS,): the sum of the probabilities."""

    @property
    def rows(self) -> int:
        """The number of records."""
        return int(self.scores.sum())


class BinCounter:
    """Counts by the bins of one model's features. Safe to share between threads."""

    def __init__(self, signature: Signature, features: Sequence[FeatureBins]) -> None:
        """Raise ValueError where the bins are not of this signature's features."""
        self._binners = _binners(signature, features)
        sizes = [feature.bins for feature in features]
        self._firsts = np.cumsum([0, *sizes])
        self._scores = int(self._firsts[-1])
        self.size = self._scores + 2 * SCORE_BINS

    def count(self, columns: Columns, probabilities: NDArray[np.float64]) -> Counts:
        """The counts of n records, whose probabilities have shape (n,)."""
        bins = [first + binner(columns) for first, binner in zip(self._firsts, self._binners, strict=False)]
        scores = score_bins(probabilities)
        counts = np.bincount(np.concatenate([*bins, self._scores + scores]), minlength=self.size).astype(np.float64)
        counts[self._scores + SCORE_BINS :] = np.bincount(scores, probabilities, SCORE_BINS)
        return counts

    def count_sample(self, columns: Columns, probabilities: NDArray[np.float64]) -> Counts:
        """The counts of n records; of many, those of a random sample, which says as much of their spread."""
        return self.count(*sample(columns, probabilities, SAMPLE_ROWS))

    def split(self, counts: Counts) -> CountedBins:
        """The counts of each feature and of the probability."""
        *features, rest = np.split(counts, self._firsts[1:])
        return CountedBins(tuple(features), rest[:SCORE_BINS], rest[SCORE_BINS:])


def sample(columns: Columns, probabilities: NDArray[np.float64], most: int) -> tuple[Columns, NDArray[np.float64]]:
    """At most so many of n records at random, and their probabilities."""
    if columns.rows <= most:
        return columns, probabilities
    # Seeded by the number of rows: a block that is scored again has the same sample.
    rows = np.random.default_rng(columns.rows).integers(0, columns.rows, most)
    return columns.take(rows), probabilities[rows]


def score_bins(probabilities: NDArray[np.float64]) -> NDArray[np.intp]:
    """The bin of each of n probabilities, shape (n,)."""
    return np.minimum((probabilities * SCORE_BINS).astype(np.intp), SCORE_BINS - 1)


def _binners(signature: Signature, features: Sequence[FeatureBins]) -> list[Binner]:
    numbers = [feature.name for feature in signature.features if feature.numeric]
    texts = {feature.name: feature for feature in signature.features if not feature.numeric}
    places = {name: position for names in (numbers, texts) for position, name in enumerate(names)}
    binners: list[Binner] = []
    for feature in features:
        if feature.feature not in (numbers if feature.edges is not None else texts):
            raise ValueError("the baseline is of another signature")
        at = places[feature.feature]
        binners.append(
            _of_texts(feature, texts[feature.feature], at) if feature.choices is not None else _of_numbers(feature, at)
        )
    return binners


def _of_numbers(feature: FeatureBins, at: int) -> Binner:
    edges = np.array(feature.edges)
    missing = len(edges) + 1

    def bins(columns: Columns) -> NDArray[np.intp]:
        cells = columns.numbers[:, at]
        return np.where(np.isnan(cells), missing, np.searchsorted(edges, cells))

    return bins


def _of_texts(bins_of: FeatureBins, feature: Feature, at: int) -> Binner:
    choices = bins_of.choices or ()
    other, unseen, missing = range(len(choices), len(choices) + 3)
    known: dict[Any, int] = dict.fromkeys(map(str, feature.choices or ()), other)
    known |= {choice: position for position, choice in enumerate(choices)} | {"": missing}
    # Texts without listed choices are not categories: none is out of vocabulary.
    unknown = other if feature.choices is None else unseen

    def bins(columns: Columns) -> NDArray[np.intp]:
        return np.fromiter(map(known.get, columns.texts[:, at].tolist(), repeat(unknown)), np.intp, columns.rows)

    return bins
