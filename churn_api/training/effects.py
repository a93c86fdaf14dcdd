"""How the churn rate differs along each feature: predicted and observed, by range of a number or by category.

No bin has fewer than ten customers: a smaller one would say of single customers whether they churned.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Feature, Signature
from churn_api.registry.evaluation_report import Effect, EffectBin
from churn_api.training.curves import rounded
from churn_api.training.evaluation_metrics import Labels, Probabilities, Weights, taken

BINS = 10
"""Quantile bins of a number; a category beyond the most frequent ones is counted with the others."""
MIN_ROWS = 10
MAX_FEATURES = 60

Mask = NDArray[np.bool_]


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
        bins = tuple(_measured(part, rows, labels, probabilities, weights) for part, rows in _parts(feature, cells))
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


def _parts(feature: Feature, cells: NDArray[Any]) -> Iterator[tuple[dict[str, Any], Mask]]:
    """What each bin of a feature is, and which rows are in it."""
    if not feature.numeric and feature.choices is None:
        return
    missing = np.isnan(cells) if feature.numeric else cells == ""
    if feature.type == "boolean":
        true, false = map(str, feature.labels or ("true", "false"))
        yield from _categories({value: cells == value for value in (1.0, 0.0)}, {1.0: true, 0.0: false})
    elif feature.numeric:
        yield from _ranges(cells, cells[~missing])
    else:
        choices = {choice: cells == choice for choice in feature.choices or ()}
        yield from _categories(choices, {choice: str(choice) for choice in choices})
    if missing.sum() >= MIN_ROWS:
        yield {"kind": "missing"}, missing


def _ranges(cells: NDArray[np.float64], values: NDArray[np.float64]) -> Iterator[tuple[dict[str, Any], Mask]]:
    below = -np.inf
    for edge in _edges(values):
        rows = (cells > below) & (cells <= edge)
        yield {"kind": "range", "lower": float(cells[rows].min()), "upper": float(cells[rows].max())}, rows
        below = edge


def _edges(values: NDArray[np.float64]) -> list[float]:
    """The upper edges of quantile bins; neighbours are merged where one has too few rows."""
    if len(values) < MIN_ROWS:
        return []
    quantiles = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:], method="inverted_cdf"))
    edges: list[float] = []
    counted = 0
    for edge in quantiles.tolist():
        up_to = int((values <= edge).sum())
        if up_to - counted >= MIN_ROWS:
            edges.append(edge)
            counted = up_to
    edges[-1] = quantiles[-1].item()
    return edges


def _categories(rows: dict[Any, Mask], words: dict[Any, str]) -> Iterator[tuple[dict[str, Any], Mask]]:
    """The most frequent categories, and the others together."""
    by_count = sorted(rows, key=lambda value: -int(rows[value].sum()))
    listed = [value for value in by_count[:BINS] if rows[value].sum() >= MIN_ROWS]
    for value in listed:
        yield {"kind": "category", "category": words[value]}, rows[value]
    others = [rows[value] for value in by_count if value not in listed]
    if others and sum(other.sum() for other in others) >= MIN_ROWS:
        yield {"kind": "others"}, np.any(others, axis=0)
