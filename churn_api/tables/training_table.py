"""Complete tables -> columns, for training: files of every format, read by the same rules as for scoring.

Blank cells are missing. Errors name the row in the numbering of spreadsheets: the header is row 1.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.bounds import NO_BOUNDS
from churn_api.contract.columns import Columns
from churn_api.contract.record import RecordReader
from churn_api.contract.signature import Feature, Signature
from churn_api.tables.blocks import blocks
from churn_api.tables.cell_text import as_text, trimmed
from churn_api.tables.cell_values import is_missing, json_converter, plain_column, plain_feature_column
from churn_api.tables.column_names import refuse_bad_names
from churn_api.tables.formats import FORMATS, format_of_file
from churn_api.tables.in_memory import read_in_memory
from churn_api.tables.layout import prepare, read_layout
from churn_api.tables.table_errors import TableError

_START_BYTES = 64
_FIRST_ROW = b"first_row"
"""Metadata key of a table: the number of its first row in the file."""


def read_table(path: Path) -> pa.Table:
    """Read a file of any format; columns are text, floats, integers or booleans, and blank cells are null.

    Raises TableError with the row at fault.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
    except OSError as error:
        raise TableError(f"{path.name} cannot be read: {error.strerror}") from error
    form = FORMATS[format_of_file(path.name, start)]
    with tempfile.TemporaryDirectory(prefix="churn-api-") as folder:
        layout = read_layout(prepare(path, form.name, Path(folder), NO_BOUNDS), form.name)
        table = form.read_table(layout, blocks(layout))
        if table.num_rows == 0:
            raise TableError(f"{path.name} has {'a header and ' if form.header_rows else ''}no rows")
        refuse_bad_names(path, table.column_names)
        table = pa.table({name: _plain(name, table.column(name)) for name in table.column_names})
    return table.replace_schema_metadata({_FIRST_ROW: str(form.header_rows + 1)})


def to_columns(table: pa.Table, signature: Signature) -> Columns:
    """The features of a signature from a table that `read_table` returned.

    Raises TableError where the table lacks one, or with the number of a row that scoring would reject.
    """
    names = [feature.name for feature in signature.features]
    _require(table, names)
    rows = read_in_memory(table.select(names), RecordReader(signature))
    for fault in rows.faults:
        raise TableError(f"row {row_number(table, fault.row)}, column {fault.column!r}: {fault.message}")
    return rows.columns


def row_number(table: pa.Table, row: int) -> int:
    """The number in its file of the row at an index of a table that `read_table` returned."""
    return row + int((table.schema.metadata or {}).get(_FIRST_ROW, 1))


def to_records(table: pa.Table, signature: Signature) -> Iterator[dict[str, Any]]:
    """Each row as a JSON record without blank cells. Raises the same errors as `to_columns`."""
    to_columns(table, signature)
    columns = {f.name: _values(f, table.column(f.name)) for f in signature.features}
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


def _values(feature: Feature, column: pa.ChunkedArray) -> list[Any]:
    """A feature's column as JSON values, None for missing."""
    convert = json_converter(feature)
    values = (None if cell is None else convert(cell) for cell in plain_feature_column(feature, column).to_pylist())
    return [int(value) if feature.type == "integer" and value is not None else value for value in values]
