"""One block of CSV, read as it stands."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.row_boundaries import OPEN_QUOTE, count_lines, line_at, lines_before, row_starts, whole_rows
from churn_api.tables.table_errors import BadRow, TableError
from churn_api.tables.text_blocks import BOM, NOT_UTF8

# By itself Arrow takes SIGINT and SIGTERM while it reads, and breaks off what a graceful shutdown is to finish.
pa.enable_signal_handlers(False)

_SECOND = rb"(?:\A|[\r\n])(?:\xef\xbb\xbf)?(?P<header>%b)(?=[\r\n]|\Z)"


def read_cells(layout: Layout, block: Block, names: Sequence[str]) -> Cells:
    """The columns called `names` of a block. Raises TableError where the block is no table."""
    data = _text(layout, block)
    table, ragged = _parsed(layout, data, names or layout.names[:1])
    rows, lines = table.num_rows + len(ragged), count_lines(data)
    places = np.delete(np.arange(rows), [place for place, _, _ in ragged])
    line_of = None if rows == lines else lines_before(data, row_starts(data, layout.delimiter))
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
        line = line_at(path, block.start + place)
        row = int(np.count_nonzero(row_starts(data, layout.delimiter)[1:] <= place))
        raise BadRow(f"{path.name}, line {line}: {complaint}", row, complaint)
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
