"""The Excel format: the first sheet of a workbook (.xlsx), with its header in row 1."""

import io
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from churn_api.contract.bounds import CELL_BYTES, Bounds
from churn_api.tables.arrow import Arrow
from churn_api.tables.format import TableWriter
from churn_api.tables.sheet_xml import column_letters
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import check_columns, check_size

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_api.tables.sheet_xml import SheetRow
    from churn_api.tables.typed_cells import Cell

_BATCH_CELLS, _BATCH_TEXT = 1 << 16, 1 << 22
"""Cells, and characters of their text, held as Python objects at a time."""


class Xlsx(Arrow):
    """Read from an Arrow copy of its rows. Numbers, booleans and text keep their types; dates are read as ISO text."""

    name = "xlsx"
    title = "Excel"
    content = "An Excel workbook with a header in its first sheet, as `DataFrame.to_excel(index=False)` writes it"
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffixes = (".xlsx",)
    magic = (b"PK\3\4", b"\xd0\xcf\x11\xe0")
    header_rows = 1
    part_format = Arrow.name

    def prepare(self, path: Path, folder: Path, bounds: Bounds) -> Path:
        """An Arrow copy of the first sheet's rows, without blank rows at its end."""
        from churn_api.tables.workbook import sheet_rows

        with sheet_rows(path, bounds.bytes) as rows:
            return _regroup(path, rows, folder, bounds)

    def encode(self, table: "pa.Table") -> bytes:
        """A complete workbook."""
        sink = io.BytesIO()
        writer = self.begin(sink, table.schema)
        writer.write_table(table)
        writer.close()
        return sink.getvalue()

    def begin(self, sink: BinaryIO, schema: "pa.Schema") -> TableWriter:
        """A writer of a workbook with one sheet."""
        from churn_api.tables.workbook_writer import WorkbookWriter

        return WorkbookWriter(sink, schema.names)


def _regroup(path: Path, rows: "Iterator[SheetRow]", folder: Path, bounds: Bounds) -> Path:
    """Write rows to an Arrow file, each column in the common type of its cells, known only after the last row."""
    import pyarrow as pa

    from churn_api.tables.regrouping import write_regrouped
    from churn_api.tables.typed_cells import common_type

    names = _header(path, rows)
    check_columns(path, len(names), bounds)
    cells_file, target = folder / f"{path.name}.cells", folder / f"{path.name}.regrouped"
    kinds: list[set[pa.DataType]] = [set() for _ in names]
    batches = 0
    with pa.OSFile(str(cells_file), "wb") as sink:
        for batch in _batches(path, rows, len(names), bounds):
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            for seen, kind in zip(kinds, batch.schema.types, strict=True):
                seen.add(kind)
            batches += 1
    schema = pa.schema([(name, common_type(seen)) for name, seen in zip(names, kinds, strict=True)])
    with pa.memory_map(str(cells_file)) as source:
        tables = (pa.ipc.open_stream(source).read_all() for _ in range(batches))
        write_regrouped(target, schema, (_cast(batch, schema) for table in tables for batch in table.to_batches()))
    cells_file.unlink()
    return target


def _cast(batch: "pa.RecordBatch", schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    from churn_api.tables.typed_cells import cast_column

    return pa.record_batch(
        [cast_column(*pair) for pair in zip(batch.columns, schema.types, strict=True)], schema=schema
    )


def _header(path: Path, rows: "Iterator[SheetRow]") -> list[str]:
    number, cells = next(rows, (0, {}))
    if number != 1:
        raise TableError(f"{path.name}: row 1 of the first sheet is blank: it must name the columns")
    return [str(cells.get(index, "")) for index in range(max(cells) + 1)]


def _batches(path: Path, rows: "Iterable[SheetRow]", width: int, bounds: Bounds) -> "Iterator[pa.RecordBatch]":
    """The rows below the header in small batches, each column in the common type of its cells in the batch."""
    max_rows = max(1, _BATCH_CELLS // width)
    rows_held: list[list[Cell]] = []
    size, text = 0, 0
    for number, row in enumerate(_filled(path, rows, width), 1):
        bounds.check_rows(number)
        rows_held.append(row)
        text += sum(len(cell) for cell in row if type(cell) is str)
        if len(rows_held) == max_rows or text > _BATCH_TEXT:
            size = check_size(path, size + text + len(rows_held) * width * CELL_BYTES, bounds.bytes)
            yield _batch(rows_held)
            rows_held, text = [], 0
    if rows_held:
        check_size(path, size + text + len(rows_held) * width * CELL_BYTES, bounds.bytes)
        yield _batch(rows_held)


def _filled(path: Path, rows: "Iterable[SheetRow]", width: int) -> "Iterator[list[Cell]]":
    """Every row below the header, up to the last nonblank row, as a list of cells."""
    blank: list[Cell] = [None] * width
    last = 1
    for number, cells in rows:
        if max(cells) >= width:
            column = column_letters(max(cells))
            raise TableError(f"{path.name}, row {number}: a cell stands in column {column}, which row 1 does not name")
        yield from repeat(blank, number - last - 1)
        row = blank.copy()
        for index, value in cells.items():
            row[index] = value
        yield row
        last = number


def _batch(rows: "list[list[Cell]]") -> "pa.RecordBatch":
    import pyarrow as pa

    from churn_api.tables.typed_cells import typed_column

    columns = [typed_column(cells) for cells in zip(*rows, strict=True)]
    return pa.record_batch(columns, names=[str(index) for index in range(len(columns))])
