"""What a file of records is taken apart into: its layout, its blocks, and the cells of a block."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_ROWS = 1 << 15
"""Of a block of a large Parquet row group, and of one of Arrow."""

MAX_BLOCK_BYTES = 1 << 27
"""What the rows of a block may decompress to, besides what so many columns of numbers take."""
MAX_MESSAGE_BYTES = 1 << 29
"""What a compressed batch of Arrow's may decompress to, which happens at once."""


class Layout(NamedTuple):
    """What must be known of a file before its blocks are read."""

    path: str
    format: str
    names: tuple[str, ...]
    """Of the columns; empty for NDJSON."""
    start: int
    """Where data begins: the byte after the header (CSV) or the byte order mark, else 0."""
    stop: int
    """Where it ends: in bytes (CSV, NDJSON) or rows (the others)."""
    rows: int | None
    """None where nobody counted."""
    delimiter: str = ","
    lines: int = 0
    """Before the data begins."""
    block_bytes: int = MAX_BLOCK_BYTES
    """What the rows of a block may decompress to."""


class Block(NamedTuple):
    """A part of a file: its bytes (CSV, NDJSON), which are whole rows, or its rows (the others)."""

    number: int
    start: int
    stop: int


class Cells(NamedTuple):
    """The columns asked for of one block, in that order."""

    table: "pa.Table"
    """CSV: text as it stands, unquoted and untrimmed; others as stored, dictionaries decoded unless asked for."""
    places: NDArray[np.int64]
    """The row within the block, from 0, of each row of the table: ragged rows are left out."""
    rows: int
    """Of the block, ragged ones too; blank lines are none."""
    lines: int
    """Of the block, where it is text; else equal to rows."""
    line_of: NDArray[np.int64] | None
    """The first line within the block, from 0, of each of `rows` rows; None where every row is one line."""
    ragged: list[tuple[int, int, int]]
    """Row within the block, its cells, cells expected."""
