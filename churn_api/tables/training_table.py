"""Complete tables -> columns, for training: files of every format, read by the same rules as for scoring.

Blank cells are missing. Errors name the row in the numbering of spreadsheets: the header is row 1.
"""

import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.columns import Columns
from churn_api.contract.record import RecordReader
from churn_api.contract.remark import Remark, counted
from churn_api.contract.signature import Feature, Signature
from churn_api.contract.size_limits import NO_BOUNDS
from churn_api.tables.blocks import blocks
from churn_api.tables.cell_text import as_text, trimmed
from churn_api.tables.cell_values import is_missing, json_converter, plain_column, plain_feature_column
from churn_api.tables.column_names import refuse_bad_names, unnamed
from churn_api.tables.format import Format
from churn_api.tables.formats import DEFAULT, FORMATS, LINES, format_of_file
from churn_api.tables.in_memory import read_in_memory
from churn_api.tables.layout import open_table
from churn_api.tables.read_options import AS_IT_IS, ReadOptions
from churn_api.tables.read_result import ReadResult
from churn_api.tables.row_numbers import row_name
from churn_api.tables.stray_rows import refuse_values_as_names, without_second_header, without_total
from churn_api.tables.table_errors import TableError

_START_BYTES = 64
_MAX_LISTED = 10
"""Columns whose first fault an error lists."""
_NO_NAME = Remark(seen="column 1 has no name, as an index has none", done="left out")
_REMARKS, _INDEX, _TYPED = b"remarks", b"index", b"typed"
"""Metadata keys of a table: remarks, an index's columns, whether it has types."""


def read_table(
    path: Path, options: ReadOptions = AS_IT_IS, *, target: str | None = None, unneeded: Collection[str] = ()
) -> pa.Table:
    """Read a file of any format; columns are text, floats, integers or booleans, and blank cells are null.

    A first column without a name and a last row called a total are left out, and so is a second header below one that
    names the `target`. Columns that are `unneeded` may be such that cannot be read. Rows have their numbers in the
    file. Raises TableError with the row at fault.
    """
    form = _format_of(path)
    with tempfile.TemporaryDirectory(prefix="churn-api-") as folder:
        layout = open_table(path, form.name, Path(folder), NO_BOUNDS, options)
        table = form.read_table(layout, blocks(layout), unneeded)
        if table.num_rows == 0:
            raise TableError(f"{path.name} has {'a header and ' if form.header_rows else ''}no rows")
        names = table.column_names
        refuse_bad_names(path, names)
        columns = {name: _plain(name, table.column(name)) for name in names if name not in unnamed(names)}
        table = pa.table(columns, metadata=table.schema.metadata)
    if form.header_rows:
        refuse_values_as_names(path, names)
    # First the total: a word in its last row would keep a column from counting as numbers.
    table, total = without_total(table)
    header_row = form.header_rows + layout.skipped_rows
    table, second = without_second_header(path, table, header_row, target) if form.header_rows else (table, [])
    remarks = [*layout.remarks, *([_NO_NAME] if unnamed(names) else []), *second, *total]
    index = [name for name in layout.index_columns if name in table.column_names]
    return table.replace_schema_metadata(
        {
            **table.schema.metadata,
            _REMARKS: msgspec.json.encode(remarks),
            _INDEX: msgspec.json.encode(index),
            _TYPED: msgspec.json.encode(form.binary),
        }
    )


def _format_of(path: Path) -> Format:
    """The format of a file. Raises TableError for one that cannot be read, and for a JSON array."""
    try:
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
    except OSError as error:
        raise TableError(f"{path.name} cannot be read: {error.strerror}") from error
    form = FORMATS[format_of_file(path.name, start)]
    if form.name == DEFAULT and start.lstrip().startswith(b"[{"):
        raise TableError(f"{path.name} is a JSON array: write each of its objects on a line of its own ({LINES})")
    return form


def file_remarks(table: pa.Table) -> list[Remark]:
    """What was assumed about the file of a table that `read_table` returned."""
    return msgspec.json.decode((table.schema.metadata or {}).get(_REMARKS, b"[]"), type=list[Remark])


def index_names(table: pa.Table) -> list[str]:
    """The columns of a table that `read_table` returned in which pandas wrote an index."""
    return msgspec.json.decode((table.schema.metadata or {}).get(_INDEX, b"[]"), type=list[str])


def to_columns(table: pa.Table, signature: Signature) -> Columns:
    """The features of a signature from a table that `read_table` returned.

    Raises TableError where the table lacks one, or with the first row of each column that scoring would reject.
    """
    names = [feature.name for feature in signature.features]
    _require(table, names)
    rows = read_in_memory(table.select(names), RecordReader(signature), typed=_is_typed(table))
    if rows.faults:
        raise TableError(_complaint(table, rows))
    return rows.columns


def _complaint(table: pa.Table, rows: ReadResult) -> str:
    """The first fault of each column, in words, and the number of the others."""
    first = {fault.column: fault for fault in reversed(rows.faults)}
    listed = [fault for fault in rows.faults if first[fault.column] is fault][:_MAX_LISTED]
    words = [f"{row_name(table, fault.row)}, column {fault.column!r}: {fault.message}" for fault in listed]
    more = len(rows.faults) + rows.more_faults - len(listed)
    return " ".join(words) + (f" And {counted(more, 'more cell')}." if more else "")


def _is_typed(table: pa.Table) -> bool:
    """Whether a table that `read_table` returned is of a format with types."""
    return bool(msgspec.json.decode((table.schema.metadata or {}).get(_TYPED, b"true")))


def to_records(table: pa.Table, signature: Signature) -> Iterator[dict[str, Any]]:
    """Each row as a JSON record without blank cells. Raises the same errors as `to_columns`."""
    to_columns(table, signature)
    columns = {f.name: _values(f, table.column(f.name), typed=_is_typed(table)) for f in signature.features}
    if signature.identifier is not None and signature.identifier in table.column_names:
        columns[signature.identifier] = as_text(table.column(signature.identifier)).to_pylist()
    for row in zip(*columns.values(), strict=True):
        yield {name: value for name, value in zip(columns, row, strict=True) if not is_missing(value)}


def _require(table: pa.Table, names: list[str]) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise TableError(f"the table lacks {', '.join(map(repr, missing))}")


def _plain(name: str, column: pa.ChunkedArray) -> pa.Array:
    cells = plain_column(name, column)
    if not pa.types.is_string(cells.type):
        return cells
    return pc.if_else(pc.equal(trimmed(cells), ""), pa.scalar(None, pa.string()), cells)


def _values(feature: Feature, column: pa.ChunkedArray, *, typed: bool) -> list[Any]:
    """A feature's column as JSON values, None for missing."""
    convert = json_converter(feature)
    cells = plain_feature_column(feature, column, typed=typed).to_pylist()
    values = (None if cell is None else convert(cell) for cell in cells)
    return [int(value) if feature.type == "integer" and value is not None else value for value in values]
