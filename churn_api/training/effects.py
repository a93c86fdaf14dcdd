"""How the churn rate differs along each feature: predicted and observed, by range of a number or by category."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.registry.evaluation_report import Effect, EffectBin
from churn_api.training.curves import rounded
from churn_api.training.evaluation_metrics import Labels, Probabilities, Weights, taken
from churn_api.training.feature_bins import Mask, feature_bins

MAX_FEATURES = 60


def effects(
    signature: Signature,
    columns: Columns,
    labels: Labels,
    probabilities: Probabilities,
    order: list[str],
    weights: Weights = None,
) -> tuple[Effect, ...]:
    """The effects of at most 60 features, those named in `order` first. All arrays have shape (n,).

    A text without listed choices has none: its values may be names.
    """
    numbers, texts = iter(columns.numbers.T), iter(columns.texts.T)
    by_feature = {}
    for feature in signature.features:
        cells: NDArray[Any] = next(numbers) if feature.numeric else next(texts)
        bins = tuple(
            _measured(part, rows, labels, probabilities, weights) for part, rows in feature_bins(feature, cells)
        )
        if bins:
            by_feature[feature.name] = Effect(feature=feature.name, reference=feature.reference, bins=bins)
    names = [*(name for name in order if name in by_feature), *(name for name in by_feature if name not in order)]
    return tuple(by_feature[name] for name in names[:MAX_FEATURES])


def _measured(
    part: dict[str, Any], rows: Mask, labels: Labels, probabilities: Probabilities, weights: Weights
) -> EffectBin:
    return EffectBin(
        **part,
        rows=int(rows.sum()),
        predicted=rounded(np.average(probabilities[rows], weights=taken(weights, rows))),
        observed=rounded(np.average(labels[rows], weights=taken(weights, rows))),
    )
