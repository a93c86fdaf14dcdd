"""Generates a table of made-up customers that are valid under a signature, for trying out an API without real data.

Each feature moves the log-odds of churn by an amount drawn from the seed; the rest is noise.
"""

import math
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churn_api.contract.dates import day_of
from churn_api.contract.signature import Feature, Signature, SignatureError

BLANK = 0.05
"""Share of blank cells in columns that may have some."""
_TEXTS = 30
_LARGEST_INTEGER = 10.0**15 - 1
_WIDTH = 100.0
"""Of the range of a number that declares and observed none."""

Cells = NDArray[np.object_]


def sample_of_signature(signature: Signature, rows: int, seed: int) -> pd.DataFrame:
    """A table with the identifier, the features and the target of a signature; the same seed gives the same table."""
    rng = np.random.default_rng(seed)
    table: dict[str, Cells] = {}
    if signature.identifier is not None:
        table[signature.identifier] = _texts([f"CUST{number:06d}" for number in range(1, rows + 1)])
    log_odds = rng.normal(-1, 1, rows)
    for feature in signature.features:
        position = rng.random(rows)
        cells = _cells(feature, position)
        log_odds += rng.normal(0, 1.5) * (position - 0.5)
        if feature.nullable and not feature.required:
            cells[rng.random(rows) < BLANK] = None
        table[feature.name] = cells
    target = signature.target
    churned = rng.random(rows) < 1 / (1 + np.exp(-log_odds))
    table[target.name] = np.where(churned, target.positive, target.negative).astype(object)
    return pd.DataFrame(table)


def _cells(feature: Feature, position: NDArray[np.float64]) -> Cells:
    """The cells of a feature as its table writes them, shape (n,), from positions in its range between 0 and 1."""
    if feature.choices is not None:
        return _chosen([_written(feature, choice) for choice in feature.choices], position)
    match feature.type:
        case "boolean":
            return _chosen([str(label) for label in reversed(feature.labels or ("Yes", "No"))], position)
        case "string":
            return _chosen([f"text {number}"[: feature.max_length] for number in range(_TEXTS)], position)
        case "date":
            return _each(position, feature, lambda value: _day(feature, math.floor(value)))
        case "integer":
            return _each(position, feature, lambda value: _written(feature, round(value)))
        case "number":
            return _each(position, feature, lambda value: _written(feature, value))


def _each(position: NDArray[np.float64], feature: Feature, written: Callable[[float], str]) -> Cells:
    low, high = _range(feature)
    values = low + position * (high - low)
    return _texts([written(min(max(float(f"{value:.6g}"), low), high)) for value in values.tolist()])


def _range(feature: Feature) -> tuple[float, float]:
    """The declared range of a number, else the observed one; of an integer, from the first to the last one in it."""
    observed = feature.observed
    low = feature.minimum if feature.minimum is not None else observed.minimum if observed else None
    high = feature.maximum if feature.maximum is not None else observed.maximum if observed else None
    if low is None:
        low = 0.0 if high is None else high - _WIDTH
    if high is None:
        high = low + _WIDTH
    if feature.type == "integer":
        low, high = max(math.ceil(low), -_LARGEST_INTEGER), min(math.floor(high), _LARGEST_INTEGER)
    if low > high:
        raise SignatureError(f"feature {feature.name!r}: its range holds no value that a table can write")
    return low, high


def _written(feature: Feature, value: Any) -> str:
    decimal = feature.notation.decimal if feature.notation else "."
    return value if isinstance(value, str) else str(value).replace(".", decimal)


def _day(feature: Feature, days: int) -> str:
    day = day_of(days, date.fromisoformat(str(feature.reference)))
    form = feature.notation.date_format if feature.notation else ""
    return day.strftime(form) if form else str(day)


def _chosen(choices: list[str], position: NDArray[np.float64]) -> Cells:
    return _texts(choices)[(position * len(choices)).astype(np.intp)]


def _texts(values: list[str]) -> Cells:
    return np.array(values, dtype=object)
