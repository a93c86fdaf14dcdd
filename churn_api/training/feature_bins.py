"""Bins of a feature's values: ranges of a number, categories, and missing values.

No bin has fewer than ten customers: a smaller one would say of single customers what is true of the bin.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.signature import Feature

BINS = 10
"""Quantile bins of a number; a category beyond the most frequent ones is counted with the others."""
MIN_ROWS = 10

Mask = NDArray[np.bool_]


def feature_bins(feature: Feature, cells: NDArray[Any]) -> Iterator[tuple[dict[str, Any], Mask]]:
    """What each bin of a feature is, as members of a bin in a report, and which rows are in it.

    A text without listed choices has none: its values may be names.
    """
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
