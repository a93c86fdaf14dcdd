"""Excel: the first sheet of a workbook (.xlsx), with its header in row 1."""

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
"""Cells, and characters of their text, that are Python objects at a time."""


class Xlsx(Arrow):
    """Once its rows are regrouped, they are Arrow. Numbers, booleans and text are typed; dates are read as ISO text."""

    name = "xlsx"
    title = "Excel"
    content = "An Excel workbook with a header in its first sheet, as `DataFrame.to_excel(index=False)` writes it"
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffixes = (".xlsx",)
    magic = (b"PK\3\4", b"\xd0\xcf\x11\xe0")
    header_rows = 1
    part_format = Arrow.name

    def prepare(self, path: Path, folder: Path, bounds: Bounds) -> Path:
        """The rows of the first sheet, regrouped; blank ones at its end are none."""
        from churn_api.tables.workbook import sheet_rows

        with sheet_rows(path, bounds.bytes) as rows:
            return _regroup(path, rows, folder, bounds)

    def encode(self, table: "pa.Table") -> bytes:
        """A workbook."""
        sink = io.BytesIO()
        writer = self.begin(sink, table.schema)
        writer.write_table(table)
        writer.close()
        return sink.getvalue()

    def begin(self, sink: BinaryIO, schema: "pa.Schema") -> TableWriter:
        """A writer of a workbook of one sheet."""
        from churn_api.tables.workbook_writer import WorkbookWriter

        return WorkbookWriter(sink, schema.names)


def _regroup(path: Path, rows: "Iterator[SheetRow]", folder: Path, bounds: Bounds) -> Path:
    """Rows in a file of Arrow's, each column of the one type that holds its cells: it is known at the end alone."""
    import pyarrow as pa

    from churn_api.tables.regrouping import write_regrouped
    from churn_api.tables.typed_cells import common_type

    names = _header(path, rows)
    check_columns(path, len(names), bounds)
    kept, target = folder / f"{path.name}.cells", folder / f"{path.name}.regrouped"
    kinds: list[set[pa.DataType]] = [set() for _ in names]
    batches = 0
    with pa.OSFile(str(kept), "wb") as sink:
        for batch in _batches(path, rows, len(names), bounds):
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            for known, kind in zip(kinds, batch.schema.types, strict=True):
                known.add(kind)
            batches += 1
    schema = pa.schema([(name, common_type(known)) for name, known in zip(names, kinds, strict=True)])
    with pa.memory_map(str(kept)) as source:
        tables = (pa.ipc.open_stream(source).read_all() for _ in range(batches))
        write_regrouped(target, schema, (_cast(batch, schema) for table in tables for batch in table.to_batches()))
    kept.unlink()
    return target


def _cast(batch: "pa.RecordBatch", schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    from churn_api.tables.typed_cells import as_type

    return pa.record_batch([as_type(*pair) for pair in zip(batch.columns, schema.types, strict=True)], schema=schema)


def _header(path: Path, rows: "Iterator[SheetRow]") -> list[str]:
    number, cells = next(rows, (0, {}))
    if number != 1:
        raise TableError(f"{path.name}: row 1 of the first sheet is blank: it must name the columns")
    return [str(cells.get(index, "")) for index in range(max(cells) + 1)]


def _batches(path: Path, rows: "Iterable[SheetRow]", width: int, bounds: Bounds) -> "Iterator[pa.RecordBatch]":
    """Rows below the header, a few at a time, each column of the type that its cells here have."""
    most = max(1, _BATCH_CELLS // width)
    held: list[list[Cell]] = []
    size, text = 0, 0
    for number, row in enumerate(_filled(path, rows, width), 1):
        bounds.check_rows(number)
        held.append(row)
        text += sum(len(cell) for cell in row if type(cell) is str)
        if len(held) == most or text > _BATCH_TEXT:
            size = check_size(path, size + text + len(held) * width * CELL_BYTES, bounds.bytes)
            yield _batch(held)
            held, text = [], 0
    if held:
        check_size(path, size + text + len(held) * width * CELL_BYTES, bounds.bytes)
        yield _batch(held)


def _filled(path: Path, rows: "Iterable[SheetRow]", width: int) -> "Iterator[list[Cell]]":
    """Every row below the header up to the last that is not blank, as a list of its cells."""
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

    from churn_api.tables.typed_cells import typed

    columns = [typed(cells) for cells in zip(*rows, strict=True)]
    return pa.record_batch(columns, names=[str(index) for index in range(len(columns))])
