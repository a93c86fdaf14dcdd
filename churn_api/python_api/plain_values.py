"""Values of numpy, pandas and databases -> what a JSON parser makes: the record's reader knows no other types."""

import math
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

_PLAIN = frozenset({str, int, bool, type(None)})
_PLAIN_KINDS = "biuU"
"""NumPy's letters for booleans, integers and text. By its classes, a span of time is an integer too."""


def plain_record(record: object) -> object:
    """A mapping, or another object with `keys` as a pandas row, as a dictionary of plain values; all else as it is."""
    if isinstance(record, Mapping):
        return {name: plain_value(value) for name, value in record.items()}
    if hasattr(record, "keys") and hasattr(record, "__getitem__"):
        return {name: plain_value(record[name]) for name in record.keys()}  # noqa: SIM118 - a row's own iterate values
    return record


def plain_value(value: Any) -> Any:
    """A scalar as a Python one; NaN, NA and NaT are None, a missing value. What is no scalar stays as it is."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, float | np.floating | Decimal):
        return None if _is_nan(value) else float(value)
    if isinstance(value, np.generic) and value.dtype.kind in _PLAIN_KINDS:
        return value.item()
    return None if _is_missing_in_pandas(value) else value


def _is_nan(value: float | np.floating[Any] | Decimal) -> bool:
    # A signalling NaN of Decimal's cannot be made a float.
    return value.is_nan() if isinstance(value, Decimal) else math.isnan(value)


def _is_missing_in_pandas(value: object) -> bool:
    """Whether a value is one of pandas' own marks, which exist only where pandas was imported."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)
