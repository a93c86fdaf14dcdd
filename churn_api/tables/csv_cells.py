"""Reads one block of CSV as text, without conversion."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.row_boundaries import (
    OPEN_QUOTE,
    complete_rows_size,
    count_lines,
    line_at,
    lines_before,
    row_starts,
)
from churn_api.tables.table_errors import BadRow, TableError
from churn_api.tables.text_blocks import BOM, START_BYTES, not_utf8

# By default Arrow handles SIGINT and SIGTERM while it reads, and aborts what a graceful shutdown should finish.
pa.enable_signal_handlers(False)

_REPEATED_HEADER = rb"(?:\A|[\r\n])(?:\xef\xbb\xbf)?(?P<header>%b)(?=[\r\n]|\Z)"


def read_cells(layout: Layout, block: Block, names: Sequence[str]) -> Cells:
    """Read the columns called `names` of a block. Raises TableError where the block is not a table."""
    data = _text(layout, block)
    table, ragged = _parse(layout, data, names or layout.names[:1])
    rows, lines = table.num_rows + len(ragged), count_lines(data)
    positions = np.delete(np.arange(rows), [row for row, _, _ in ragged])
    line_of = None if rows == lines else lines_before(data, row_starts(data, layout.delimiter))
    return Cells(table.select(list(names)), positions, rows, lines, line_of, ragged)


def _text(layout: Layout, block: Block) -> bytes:
    """A block's bytes. Raises BadRow where it is not UTF-8, leaves a quote open, or repeats the header."""
    path = Path(layout.path)
    with path.open("rb") as file:
        file.seek(layout.header)
        header = file.read(layout.start - layout.header).removeprefix(BOM).strip(b"\r\n")
        file.seek(block.start)
        data = file.read(block.stop - block.start)
    is_last = block.stop == layout.stop
    for offset, complaint in _complaints(data, header, layout.delimiter if is_last else None):
        line = line_at(path, block.start + offset)
        row = int(np.count_nonzero(row_starts(data, layout.delimiter)[1:] <= offset))
        raise BadRow(f"{path.name}, line {line}: {complaint}", row, complaint, line)
    return data


def _complaints(data: bytes, header: bytes, delimiter: str | None) -> Iterator[tuple[int, str]]:
    """Complaints with their byte offsets. With a `delimiter`, the last row is checked for an open quote too."""
    if b"\0" in data:
        yield data.index(b"\0"), "this is no text"
    try:
        data.isascii() or data.decode()
    except UnicodeDecodeError as error:
        yield error.start, not_utf8(data[max(error.start - START_BYTES // 2, 0) :])
    if header in data and (repeated := re.search(_REPEATED_HEADER % re.escape(header), data)):
        yield repeated.start("header"), "the header stands again: are these two files in one?"
    if delimiter and b'"' in data and (size := complete_rows_size(data + b"\n", delimiter)) <= len(data):
        yield size, OPEN_QUOTE


def _parse(layout: Layout, data: bytes, names: Sequence[str]) -> tuple[pa.Table, list[tuple[int, int, int]]]:
    ragged: list[tuple[int, int, int]] = []

    def collect(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append((row.number - 1, row.actual_columns, row.expected_columns))
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(_prepend_newline(data)),
            # The reader's buffer holds the complete block, so it does not split it again.
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


def _prepend_newline(data: bytes) -> bytes:
    """The data after a blank line where Arrow would strip a byte order mark, or reject an empty table."""
    return b"\n" + data if not data or data.startswith(BOM) else data
