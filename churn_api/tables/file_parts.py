"""The parts of a file of records: its layout, its blocks, and the cells of a block."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.remark import Remark

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_ROWS = 1 << 15
"""Rows of a block of Arrow, and of a large Parquet row group."""

MAX_BLOCK_BYTES = 1 << 27
"""The maximum decompressed size of a block, in addition to the size of its numbers."""
MAX_MESSAGE_BYTES = 1 << 29
"""The maximum decompressed size of a compressed Arrow batch, which is decompressed in one go."""


class Layout(NamedTuple):
    """What is needed to read the blocks of a file."""

    path: str
    format: str
    names: tuple[str, ...]
    """The names of the columns; empty for NDJSON."""
    start: int
    """The start of the data: the byte after the header (CSV) or the byte order mark, else 0."""
    stop: int
    """The end of the data: in bytes (CSV, NDJSON) or rows (other formats)."""
    rows: int | None
    """None where the rows have not been counted."""
    delimiter: str = ","
    lines: int = 0
    """Lines before the data."""
    block_bytes: int = MAX_BLOCK_BYTES
    """The maximum decompressed size of a block."""
    header: int = 0
    """The start of the header, in bytes, where the format has one."""
    skipped_rows: int = 0
    """Rows above the header, in the numbering of spreadsheets."""
    index_columns: tuple[str, ...] = ()
    """Columns that pandas wrote as the index of a frame, or that have no name."""
    remarks: tuple[Remark, ...] = ()
    """What was assumed about the file."""


class Block(NamedTuple):
    """A range of a file: bytes of complete rows (CSV, NDJSON), or rows (other formats)."""

    number: int
    start: int
    stop: int


class Cells(NamedTuple):
    """The requested columns of one block, in the requested order."""

    table: "pa.Table"
    """CSV: unquoted, untrimmed text; other formats: as stored, dictionaries decoded unless requested."""
    positions: NDArray[np.int64]
    """The row within the block, from 0, of each row of the table, which leaves out ragged rows."""
    rows: int
    """Rows of the block, including ragged rows; blank lines do not count."""
    lines: int
    """Lines of the block, where it is text; else equal to `rows`."""
    line_of: NDArray[np.int64] | None
    """The first line within the block, from 0, of each of `rows` rows; None where every row is one line."""
    ragged: list[tuple[int, int, int]]
    """Ragged rows: row within the block, its number of cells, the expected number."""
