"""Records of a program -> the values that JSON has."""

import math
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

_PLAIN = frozenset({str, int, bool, type(None)})


def encode_record(record: Mapping[str, Any], position: int | None = None) -> bytes:
    """A record as JSON. Raises ValueError for infinity, which JSON has not, and TypeError for what has no JSON."""
    return msgspec.json.encode({name: _plain(value, name, position) for name, value in record.items()})


def _plain(value: Any, name: str, position: int | None) -> Any:
    """A scalar of Python, NumPy, pandas or a database as JSON has it; NaN, NA and NaT are missing."""
    if type(value) in _PLAIN:
        return value
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if _is_missing(value):
        return None
    if isinstance(value, float | Decimal):
        if math.isinf(value):
            where = "" if position is None else f"record {position}, "
            raise ValueError(f"{where}field {name!r}: infinity is no number of JSON")
        return float(value)
    return value


def _is_missing(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, float):
        return math.isnan(value)
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)
