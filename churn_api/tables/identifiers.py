"""Validates a table's column of identifiers in one pass; record.py explains the cells that are not valid."""

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churn_api.contract.fields import EXACT_INTEGERS, INT64, MAX_IDENTIFIER_LENGTH, PRINTABLE
from churn_api.tables.cell_text import trimmed

# Arrow's regular expressions write code points in braces.
_PRINTABLE = "^" + re.sub(r"\\u([0-9a-f]{4})", r"\\x{\1}", PRINTABLE) + "$"


class Identifiers(NamedTuple):
    """The identifiers of n rows."""

    values: pa.Array
    """Unmodified text, or int64; null where there is no identifier, or a number is not valid as one."""
    good: NDArray[np.bool_]
    """Shape (n,)."""


def no_identifiers(rows: int) -> Identifiers:
    """The identifiers of a table without a column for them: n nulls, all valid."""
    return Identifiers(pa.nulls(rows, pa.string()), np.ones(rows, bool))


def validate_identifiers(cells: pa.Array) -> Identifiers:
    """Validate the cells that `plain_column` returned."""
    kind = cells.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _validate_numbers(cells)
    texts = cells.cast(pa.string())
    texts = pc.if_else(pc.equal(trimmed(texts), ""), pa.scalar(None, pa.string()), texts)
    short = pc.less_equal(pc.utf8_length(texts), MAX_IDENTIFIER_LENGTH)
    good = pc.and_(pc.and_(short, pc.match_substring_regex(texts, _PRINTABLE)), not pa.types.is_boolean(kind))
    return Identifiers(texts, pc.fill_null(good, True).to_numpy(zero_copy_only=False))


def _validate_numbers(cells: pa.Array) -> Identifiers:
    fits = _fits(cells)
    values = pc.if_else(fits, cells, pa.scalar(None, cells.type)).cast(pa.int64())
    return Identifiers(values, pc.fill_null(fits, True).to_numpy(zero_copy_only=False))


def _fits(numbers: pa.Array) -> pa.Array:
    if pa.types.is_floating(numbers.type):
        return pc.and_(pc.equal(numbers, pc.trunc(numbers)), pc.less_equal(pc.abs(numbers), EXACT_INTEGERS[1]))
    if pa.types.is_uint64(numbers.type):
        return pc.less_equal(numbers, pa.scalar(INT64[1], numbers.type))
    return pc.is_valid(numbers)
