"""The CSV format: comma, semicolon or tab as delimiter, with a header."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from churn_api.contract.bounds import Bounds
from churn_api.tables.column_names import refuse_bad_names
from churn_api.tables.decompression import decompress
from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.format import Format
from churn_api.tables.row_boundaries import (
    MAX_ROW_BYTES,
    OPEN_QUOTE,
    complete_rows_size,
    count_lines,
    first_row,
    next_row,
)
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import check_columns
from churn_api.tables.text_blocks import BOM, NOT_UTF8, START_BYTES, TextRows, first_bytes, has_more_rows, text_stops

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = ",;\t"

_LINE = rb"[\r\n]*+[^\r\n]++"
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')


class Csv(Format):
    """Read with any of DELIMITERS, written with commas."""

    name = "csv"
    title = "CSV"
    media_type = "text/csv"
    suffixes = (".csv", ".tsv")
    gzipped = True
    binary = False
    header_rows = 1
    part_format = name

    def prepare(self, path: Path, folder: Path, bounds: Bounds) -> Path:
        """The file itself, or its decompressed text where it is gzipped."""
        return decompress(path, folder, bounds)

    def layout(self, path: Path, bounds: Bounds) -> Layout:
        """The header's names and its delimiter: the one that splits it into most columns."""
        first_bytes(path)
        skipped, header = _header(path)
        if bounds.columns is not None:
            check_columns(path, _most_cells(header), bounds)
        try:
            text = header.decode()
        except UnicodeDecodeError as error:
            raise TableError(f"{path.name}: {NOT_UTF8}") from error
        names, delimiter = max(((_cells(text, sign), sign) for sign in DELIMITERS), key=lambda pair: len(pair[0]))
        if not names:
            raise TableError(f"{path.name} is not a CSV table")
        refuse_bad_names(path, names)
        start, lines = len(skipped) + len(header), count_lines(skipped + header)
        return Layout(str(path), self.name, tuple(names), start, path.stat().st_size, None, delimiter, lines)

    def has_more_rows(self, layout: Layout, most: int) -> bool:
        """Counts nonblank rows."""
        return has_more_rows(layout, most, partial(next_row, delimiter=layout.delimiter))

    def stops(self, layout: Layout, start: int) -> Iterator[int]:
        """The ends of rows; a newline inside quotes does not end a row."""
        rows = TextRows(partial(complete_rows_size, delimiter=layout.delimiter), _LINE, OPEN_QUOTE)
        return text_stops(layout, start, rows)

    def read_cells(self, layout: Layout, block: Block, names: Sequence[str], coded: Sequence[str] = ()) -> Cells:
        """The cells as unmodified text."""
        from churn_api.tables.csv_cells import read_cells

        return read_cells(layout, block, names)

    def encode(self, table: "pa.Table") -> bytes:
        """Rows without a header."""
        import pyarrow.csv

        from churn_api.tables.written_values import as_written

        sink = io.BytesIO()
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(as_written(table), sink, options)
        return sink.getvalue()

    def begin(self, sink: BinaryIO, schema: "pa.Schema") -> None:
        """Write the header."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(schema.names)
        sink.write(text.getvalue().encode())


def _header(path: Path) -> tuple[bytes, bytes]:
    """The bytes before the header (a byte order mark, blank lines), and the header with its line ending."""
    with path.open("rb") as file:
        data = file.read(START_BYTES)
        skipped = data[: len(data) - len(data.removeprefix(BOM).lstrip(b"\r\n"))]
        data = data[len(skipped) :]
        while (end := first_row(data, DELIMITERS)) == 0 and len(data) < MAX_ROW_BYTES:
            more = file.read(max(len(data), START_BYTES))
            if not more:
                break
            data += more
    if end == 0 and (len(data) >= MAX_ROW_BYTES or not first_row(data + b"\n", DELIMITERS)):
        raise TableError(f"{path.name}, line 1: {OPEN_QUOTE}")
    if not data.strip():
        raise TableError(f"{path.name} is empty")
    return skipped, data[: end or None]


def _most_cells(header: bytes) -> int:
    """The number of cells of the header with the delimiter that yields most."""
    unquoted = _QUOTED.sub(b"", header) if b'"' in header else header
    return 1 + max(map(unquoted.count, map(str.encode, DELIMITERS)))


def _cells(header: str, delimiter: str) -> list[str]:
    """The cells of the header; empty where this delimiter does not parse it, or a cell exceeds csv's field limit."""
    try:
        return next(csv.reader([header], delimiter=delimiter))
    except csv.Error:
        return []
