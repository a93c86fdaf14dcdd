"""Cells: one block of a table file, read as it stands."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from churn_api.tables.arrow_types import coded_kind, plain_kind, refuse_unreadable
from churn_api.tables.blocks import Block
from churn_api.tables.errors import TableError
from churn_api.tables.layout import BOM, NOT_UTF8, OPEN_QUOTE, Layout
from churn_api.tables.row_boundaries import count_lines, line_at, line_ends, row_ends, whole_rows
from churn_api.tables.row_groups import read_arrow, read_parquet

_NEWLINES = tuple(b"\n\r")
_SECOND = rb"(?:\A|[\r\n])(?:\xef\xbb\xbf)?(?P<header>%b)(?=[\r\n]|\Z)"


class Cells(NamedTuple):
    """The columns asked for of one block, in that order."""

    table: pa.Table
    """CSV: text as it stands, unquoted and untrimmed; others as stored, dictionaries unfolded unless asked for."""
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


def read_cells(layout: Layout, block: Block, names: Sequence[str], coded: Sequence[str] = ()) -> Cells:
    """The columns called `names` of a block of CSV, Parquet or Arrow. Raises TableError where the block is no table.

    Text of the columns `coded` may come as codes of distinct texts, where the file holds it so.
    """
    if layout.format == "csv":
        return _read_csv(layout, block, names)
    table, rows = _read_stored(layout, block, names, coded), block.stop - block.start
    return Cells(table, np.arange(rows), rows, rows, None, [])


def _read_stored(layout: Layout, block: Block, names: Sequence[str], coded: Sequence[str]) -> pa.Table:
    try:
        if layout.format == "parquet":
            table = read_parquet(layout.path, names, block.start, block.stop, coded)
        else:
            table = read_arrow(layout.path, names, block.start, block.stop)
    except (pa.ArrowException, OSError, StopIteration) as error:
        raise TableError(f"{Path(layout.path).name} is damaged") from error
    for field in table.schema:
        refuse_unreadable(field)
    kinds = [
        (field.name, coded_kind(field.type) if field.name in coded else plain_kind(field.type))
        for field in table.schema
    ]
    return table.cast(pa.schema(kinds))


def _read_csv(layout: Layout, block: Block, names: Sequence[str]) -> Cells:
    data = _text(layout, block)
    table, ragged = _parsed(layout, data, names or layout.names[:1])
    rows, lines = table.num_rows + len(ragged), count_lines(data)
    places = np.delete(np.arange(rows), [place for place, _, _ in ragged])
    line_of = None if rows == lines else _first_lines(data, layout.delimiter)
    return Cells(table.select(list(names)), places, rows, lines, line_of, ragged)


def _text(layout: Layout, block: Block) -> bytes:
    """A block's bytes, found to be UTF-8, with every quote closed and without a second header."""
    path = Path(layout.path)
    with path.open("rb") as file:
        header = file.read(layout.start).removeprefix(BOM).strip(b"\r\n")
        file.seek(block.start)
        data = file.read(block.stop - block.start)
    last = block.stop == layout.stop
    for place, complaint in _complaints(data, header, layout.delimiter if last else None):
        raise TableError(f"{path.name}, line {line_at(path, block.start + place)}: {complaint}")
    return data


def _complaints(data: bytes, header: bytes, delimiter: str | None) -> Iterator[tuple[int, str]]:
    """Each with its place. A `delimiter` calls for a look at the last row, which nobody has cut."""
    if b"\0" in data:
        yield data.index(b"\0"), "this is no text"
    try:
        data.isascii() or data.decode()
    except UnicodeDecodeError as error:
        yield error.start, NOT_UTF8
    if header in data and (again := re.search(_SECOND % re.escape(header), data)):
        yield again.start("header"), "the header stands again: are these two files in one?"
    if delimiter and b'"' in data and (whole := whole_rows(data + b"\n", delimiter)) <= len(data):
        yield whole, OPEN_QUOTE


def _parsed(layout: Layout, data: bytes, names: Sequence[str]) -> tuple[pa.Table, list[tuple[int, int, int]]]:
    ragged: list[tuple[int, int, int]] = []

    def collect(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append((row.number - 1, row.actual_columns, row.expected_columns))
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(_guarded(data)),
            # One buffer of the reader's holds the block: nothing is cut twice.
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, block_size=len(data) + 1, column_names=layout.names
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=collect
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=list(names), check_utf8=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise TableError(f"{Path(layout.path).name} is not a CSV table") from error
    return table, ragged


def _guarded(data: bytes) -> bytes:
    """The same rows, below a blank line where the reader would drop a byte order mark, or would see no table."""
    return b"\n" + data if not data or data.startswith(BOM) else data


def _first_lines(data: bytes, delimiter: str) -> NDArray[np.int64]:
    """The line on which each row of `data` begins, but for blank ones."""
    starts = np.append(0, row_ends(data, delimiter))
    starts = starts[starts < len(data)]
    blank = np.isin(np.frombuffer(data, np.uint8)[starts], _NEWLINES)
    return np.searchsorted(line_ends(data), starts[~blank])
