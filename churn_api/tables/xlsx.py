"""The Excel format: a sheet of a workbook (.xlsx), by default the first, with its header in row 1."""

import io
from collections.abc import Iterable, Iterator
from itertools import chain, dropwhile, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from churn_api.contract.remark import Remark
from churn_api.contract.size_limits import CELL_BYTES, Bounds
from churn_api.tables.arrow import Arrow
from churn_api.tables.cell_patterns import is_number
from churn_api.tables.format import TableWriter
from churn_api.tables.read_options import AS_IT_IS, PreparedFile, ReadOptions
from churn_api.tables.sheet_xml import column_letters
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import check_columns, check_size

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_api.tables.sheet_xml import SheetRow
    from churn_api.tables.typed_cells import Cell

_BATCH_CELLS, _BATCH_TEXT = 1 << 16, 1 << 22
"""Cells, and characters of their text, held as Python objects at a time."""
_TITLE_ROWS = 6
"""The first rows, among which a header below a title is looked for."""


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

    def prepare(self, path: Path, folder: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> PreparedFile:
        """An Arrow copy of a sheet's rows below the skipped ones, without blank rows at its end."""
        from churn_api.tables.workbook import open_workbook

        with open_workbook(path, bounds.bytes) as workbook:
            rows = workbook.rows(options.sheet)
            copy = _regroup(path, rows, folder, bounds, options.skip_rows)
        if options.sheet is not None or len(workbook.sheets) == 1:
            return PreparedFile(copy)
        seen = f"{path.name} has {len(workbook.sheets)} sheets"
        done = f"the first, {workbook.sheets[0]!r}, is read"
        return PreparedFile(copy, (Remark(seen=seen, done=done, option="--sheet NAME"),))

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


def _regroup(path: Path, rows: "Iterator[SheetRow]", folder: Path, bounds: Bounds, skip_rows: int) -> Path:
    """Write rows to an Arrow file, each column in the common type of its cells, known only after the last row."""
    import pyarrow as pa

    from churn_api.tables.regrouping import write_regrouped
    from churn_api.tables.typed_cells import common_type

    names, rows = _header(path, rows, skip_rows)
    check_columns(path, len(names), bounds)
    cells_file, target = folder / f"{path.name}.cells", folder / f"{path.name}.regrouped"
    kinds: list[set[pa.DataType]] = [set() for _ in names]
    batches = 0
    with pa.OSFile(str(cells_file), "wb") as sink:
        for batch in _batches(path, rows, skip_rows + 1, len(names), bounds):
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


def _header(path: Path, rows: "Iterator[SheetRow]", skip_rows: int) -> "tuple[list[str], Iterator[SheetRow]]":
    """The names of the columns, and the rows below. Raises TableError where the header is not in its row."""
    below = dropwhile(lambda row: row[0] <= skip_rows, rows)
    first = list(islice(below, _TITLE_ROWS))
    number, cells = first[0] if first else (0, {})
    for candidate, names in first[1:]:
        if number and len(names) > len(cells) and _are_names(names):
            raise TableError(
                f"{path.name}: row {number} looks like a title, and row {candidate} like the header: "
                f"--skip-rows {candidate - 1} takes it"
            )
    if number != skip_rows + 1:
        remedy = f", or --skip-rows {number - 1} takes row {number}" if number else ""
        which = "the first sheet" if skip_rows == 0 else "the sheet"
        raise TableError(f"{path.name}: row {skip_rows + 1} of {which} is blank: it must name the columns{remedy}")
    names_of_columns = [str(cells.get(index, "")) for index in range(max(cells) + 1)]
    return names_of_columns, chain(first[1:], below)


def _are_names(cells: "dict[int, Cell]") -> bool:
    """Whether the cells of a row are different texts side by side, and none is a number."""
    texts = [cell for cell in cells.values() if isinstance(cell, str) and not is_number(cell)]
    return len(texts) == len(cells) == len(set(texts)) == max(cells) + 1


def _batches(
    path: Path, rows: "Iterable[SheetRow]", header: int, width: int, bounds: Bounds
) -> "Iterator[pa.RecordBatch]":
    """The rows below the header in small batches, each column in the common type of its cells in the batch."""
    max_rows = max(1, _BATCH_CELLS // width)
    rows_held: list[list[Cell]] = []
    size, text = 0, 0
    for number, row in enumerate(_filled(path, rows, header, width), 1):
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


def _filled(path: Path, rows: "Iterable[SheetRow]", header: int, width: int) -> "Iterator[list[Cell]]":
    """Every row below the header, up to the last nonblank row, as a list of cells."""
    blank: list[Cell] = [None] * width
    last = header
    for number, cells in rows:
        if max(cells) >= width:
            column = column_letters(max(cells))
            raise TableError(
                f"{path.name}, row {number}: a cell stands in column {column}, which row {header} does not name"
            )
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
