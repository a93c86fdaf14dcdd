"""The text forms of cells: numbers, booleans and blanks."""

import pyarrow as pa
import pyarrow.compute as pc

BOOLEAN_WORDS = (
    ("yes", "no"),
    ("true", "false"),
    ("1", "0"),
    ("y", "n"),
    ("t", "f"),
    ("true.", "false."),
    ("1.0", "0.0"),
)
"""Words for true and false in tables, case-insensitive."""
TRUTH_OF_WORD = {word: truth for pair in BOOLEAN_WORDS for word, truth in zip(pair, (True, False), strict=True)}
INTEGER = r"^[-+]?(0|[1-9][0-9]{0,14})$"
NUMBER = r"^[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$"
WHITESPACE = " \t\r\n\v\f\u00a0"

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
