"""Whole tables -> columns, for training: CSV and Parquet files, read as people write them.

Cells that are blank are missing, `Yes`/`No` and `true`/`false` are booleans. What is no table is refused with its row.
Row numbers count the header as row 1, as a spreadsheet shows them.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.signature import FLOAT32_MAX, Feature, Signature
from churn_api.tables.errors import TableError
from churn_api.tables.layout import refuse_bad_names

BOOLEAN_WORDS = (("yes", "no"), ("true", "false"), ("1", "0"))
"""Pairs of true and false as tables write them, in any case."""
INTEGER = r"^-?(0|[1-9][0-9]{0,14})$"
NUMBER = r"^-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$"
WHITESPACE = " \t\r\n\v\f\u00a0"

_TRUE = pa.array([yes for yes, _ in BOOLEAN_WORDS])
_TRUE_OR_FALSE = pa.array([word for pair in BOOLEAN_WORDS for word in pair])
_PARQUET_MAGIC = b"PAR1"
_FIRST_ROW = 2


def read_table(path: Path) -> pa.Table:
    """A CSV or Parquet file with its columns as text, floats, integers or booleans; blank cells are null.

    Raises TableError naming what is wrong and in which row.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise TableError(f"{path.name} cannot be read: {error.strerror}") from error
    if not start.strip():
        raise TableError(f"{path.name} is empty")
    table = _read_parquet(path) if start.startswith(_PARQUET_MAGIC) else _read_csv(path, start)
    if table.num_rows == 0:
        raise TableError(f"{path.name} has a header and no rows")
    names = table.column_names
    return pa.table([_plain(name, table.column(index)) for index, name in enumerate(names)], names=names)


def to_columns(table: pa.Table, signature: Signature) -> Columns:
    """The features of a signature from a table that `read_table` returned. Raises TableError for a misfit cell."""
    _require(table, [feature.name for feature in signature.features])
    numeric = [_numbers(table.column(f.name), f) for f in signature.features if f.numeric]
    texts = [_texts(table.column(f.name)) for f in signature.features if not f.numeric]
    return Columns(
        np.column_stack(numeric) if numeric else np.empty((table.num_rows, 0), np.float64),
        np.column_stack(texts) if texts else np.empty((table.num_rows, 0), object),
    )


def to_records(table: pa.Table, signature: Signature) -> Iterator[dict[str, Any]]:
    """Each row as the JSON record that a client would send, without its blank cells. Raises TableError for a misfit."""
    _require(table, [feature.name for feature in signature.features])
    named = {feature.name: _values(table.column(feature.name), feature) for feature in signature.features}
    if signature.identifier is not None and signature.identifier in table.column_names:
        named[signature.identifier] = as_text(table.column(signature.identifier)).to_pylist()
    for row in zip(*named.values(), strict=True):
        yield {name: value for name, value in zip(named, row, strict=True) if value is not None}


def trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A text column without white space around its cells."""
    return pc.utf8_trim(column, characters=WHITESPACE)


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Any column as text: whole floats as integers, booleans as true and false."""
    if pa.types.is_floating(column.type):
        whole = pc.all(pc.equal(column, pc.trunc(column))).as_py()
        column = column.cast(pa.int64()) if whole else column
    return column.cast(pa.string())


def _require(table: pa.Table, names: list[str]) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise TableError(f"the table lacks {', '.join(map(repr, missing))}")


def _read_parquet(path: Path) -> pa.Table:
    try:
        table = pyarrow.parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path.name} is not a whole Parquet file") from error
    refuse_bad_names(path, table.column_names)
    return table


def _read_csv(path: Path, start: bytes) -> pa.Table:
    header = _header(path, start)
    ragged: list[pyarrow.csv.InvalidRow] = []
    names = [str(index) for index in range(len(header))]

    def collect(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(use_threads=False, column_names=names),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=collect),
            convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid as error:
        raise TableError(f"{path.name} is not a CSV table: {_one_line(str(error))}") from error
    table = table.slice(1)
    if ragged:
        row = ragged[0]
        raise TableError(f"row {row.number} has {row.actual_columns} cells where the header has {row.expected_columns}")
    _refuse_open_quote(path, table)
    _refuse_second_header(table, header)
    return table.rename_columns(header)


def _header(path: Path, start: bytes) -> list[str]:
    if b"\0" in start:
        raise TableError(f"{path.name} is not a table: it is neither CSV nor Parquet")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file))
    except UnicodeDecodeError as error:
        raise TableError(f"{path.name} is not UTF-8 text: save it as CSV UTF-8") from error
    except (csv.Error, StopIteration) as error:
        raise TableError(f"{path.name} is not a CSV table") from error
    refuse_bad_names(path, header)
    return header


def _refuse_open_quote(path: Path, table: pa.Table) -> None:
    """A quote that is never closed swallows the rest of the file into the last cell."""
    last = table.column(table.num_columns - 1)[-1].as_py() if table.num_rows else None
    if last and "\n" in last and path.read_bytes().count(b'"') % 2:
        raise TableError(f"row {table.num_rows + 1}: a quote is opened and never closed")


def _refuse_second_header(table: pa.Table, header: list[str]) -> None:
    same = [pc.equal(table.column(index), name) for index, name in enumerate(header)]
    repeated = same[0]
    for column in same[1:]:
        repeated = pc.and_(repeated, column)
    at = pc.index(repeated, True).as_py()
    if at >= 0:
        raise TableError(f"the header stands again in row {at + _FIRST_ROW}: are these two files in one?")


def _plain(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(name, column.cast(kind.value_type))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return column
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = column.cast(pa.float64())
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise TableError(f"column {name!r} holds {kind}: only text, numbers and booleans can be read")
    texts = column.cast(pa.string())
    return pc.if_else(pc.equal(trimmed(texts), ""), pa.scalar(None, pa.string()), texts)


def _numbers(column: pa.ChunkedArray, feature: Feature) -> NDArray[np.float64]:
    """A numeric feature's column, shape (n,), NaN for missing."""
    if pa.types.is_string(column.type):
        column = _parsed(column, feature)
    numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    bad = np.flatnonzero(np.abs(numbers) > FLOAT32_MAX)
    if bad.size:
        raise _misfit(feature, int(bad[0]), "is beyond what 32 bits hold")
    if feature.type == "integer":
        bad = np.flatnonzero(np.isfinite(numbers) & (numbers != np.trunc(numbers)))
        if bad.size:
            raise _misfit(feature, int(bad[0]), "is no integer")
    return np.asarray(numbers, dtype=np.float64)


def _values(column: pa.ChunkedArray, feature: Feature) -> list[Any]:
    """A feature's column as JSON values, None for missing."""
    if not feature.numeric:
        return list(as_text(column).to_pylist())
    kind = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}[feature.type]
    _numbers(column, feature)
    parsed = _parsed(column, feature) if pa.types.is_string(column.type) else column
    return list(parsed.cast(kind).to_pylist())


def _parsed(column: pa.ChunkedArray, feature: Feature) -> pa.ChunkedArray:
    cells = trimmed(column)
    if feature.type == "boolean":
        cells = pc.utf8_lower(cells)
        fits = pc.is_in(cells, value_set=_TRUE_OR_FALSE)
    else:
        fits = pc.match_substring_regex(cells, NUMBER)
    at = pc.index(pc.and_(pc.is_valid(cells), pc.invert(pc.fill_null(fits, True))), True).as_py()
    if at >= 0:
        raise _misfit(feature, at, f"is no {feature.type}")
    if feature.type == "boolean":
        return pc.if_else(pc.is_null(cells), pa.scalar(None, pa.bool_()), pc.is_in(cells, value_set=_TRUE))
    return cells.cast(pa.float64())


def _texts(column: pa.ChunkedArray) -> NDArray[np.object_]:
    """A text feature's column, shape (n,), the empty string for missing."""
    return np.asarray(pc.fill_null(as_text(column), "").to_numpy(zero_copy_only=False), dtype=object)


def _misfit(feature: Feature, index: int, what: str) -> TableError:
    return TableError(f"row {index + _FIRST_ROW}, column {feature.name!r}: the cell {what}")


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
