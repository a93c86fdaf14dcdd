"""The CSV format: comma, semicolon, tab or vertical bar as delimiter, with a header."""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from churn_api.contract.remark import Remark
from churn_api.contract.size_limits import Bounds
from churn_api.tables.column_names import unnamed
from churn_api.tables.csv_header import delimiter_name, read_header
from churn_api.tables.encodings import prepare_text
from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.format import Format
from churn_api.tables.read_options import AS_IT_IS, PreparedFile, ReadOptions
from churn_api.tables.row_boundaries import OPEN_QUOTE, complete_rows_size, next_row
from churn_api.tables.text_blocks import TextRows, first_bytes, has_more_rows, text_stops

if TYPE_CHECKING:
    import pyarrow as pa

_LINE = rb"[\r\n]*+[^\r\n]++"


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

    def prepare(self, path: Path, folder: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> PreparedFile:
        """The file itself, or its text: decompressed where it is gzipped, and in UTF-8."""
        return prepare_text(path, folder, bounds, options)

    def layout(self, path: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> Layout:
        """The header's names and its delimiter: the one that splits it into most columns."""
        first_bytes(path)
        header = read_header(path, bounds, options.skip_rows)
        separators = delimiter_name(path, header.delimiter)
        remark = Remark(seen=f"{path.name} has {separators} between its columns", done="read so")
        return Layout(
            str(path),
            self.name,
            header.names,
            header.stop,
            path.stat().st_size,
            None,
            header.delimiter,
            header.lines,
            header=header.start,
            skipped_rows=options.skip_rows,
            index_columns=unnamed(header.names),
            remarks=(remark,) if separators else (),
        )

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
