"""Values of NumPy, pandas and databases -> the types of a JSON parser, the only types that RecordReader accepts."""

import math
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

_PLAIN = frozenset({str, int, bool, type(None)})
_PLAIN_KINDS = "biuU"
"""NumPy's kinds of booleans, integers and text (not isinstance: timedelta64 is a subclass of integer)."""


def plain_record(record: object) -> object:
    """A mapping, or an object with `keys` such as a pandas row, as a dict of plain values; anything else unchanged."""
    if isinstance(record, Mapping):
        return {name: plain_value(value) for name, value in record.items()}
    if hasattr(record, "keys") and hasattr(record, "__getitem__"):
        return {name: plain_value(record[name]) for name in record.keys()}  # noqa: SIM118 - a row's own iterate values
    return record


def plain_value(value: Any) -> Any:
    """A scalar as a Python scalar; NaN, NA and NaT become None (missing). Anything else is returned unchanged."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, float | np.floating | Decimal):
        return None if _is_nan(value) else float(value)
    if isinstance(value, np.generic) and value.dtype.kind in _PLAIN_KINDS:
        return value.item()
    return None if _is_missing_in_pandas(value) else value


def _is_nan(value: float | np.floating[Any] | Decimal) -> bool:
    # float() raises for Decimal's signalling NaN.
    return value.is_nan() if isinstance(value, Decimal) else math.isnan(value)


def _is_missing_in_pandas(value: object) -> bool:
    """Whether a value is pandas' NA or NaT; False where pandas has not been imported."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)
