"""Columns of text: without white space, or made of other types."""

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.text_values import WHITESPACE

_BELOW_INT64 = 2.0**63


def trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A text column with the white space around its cells removed."""
    return pc.utf8_trim(column, characters=WHITESPACE)


def as_text(cells: pa.Array) -> pa.Array:
    """Any column as text: integral floats without a fraction, booleans as true and false."""
    if not pa.types.is_floating(cells.type):
        return cells.cast(pa.string())
    is_integral = pc.and_(pc.equal(cells, pc.trunc(cells)), pc.less(pc.abs(cells), _BELOW_INT64))
    integers = pc.if_else(is_integral, cells, pa.scalar(None, pa.float64())).cast(pa.int64())
    return pc.coalesce(integers.cast(pa.string()), cells.cast(pa.string()))
