"""The numbers of a table's rows in its file, whichever rows were dropped since it was read."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.tables.table_errors import numbered

_FIRST, _ROWS, _LINES = b"first_row", b"row_numbers", b"line_numbers"
"""Metadata keys of a table: its first row's number, or the number of each row; and the line of each row."""


def with_row_numbers(table: pa.Table, first: int, lines: NDArray[np.int64] | None = None) -> pa.Table:
    """A table of n rows whose first row has this number; `lines`, of shape (n,), are where they begin in a text."""
    numbers = {_FIRST: str(first).encode()}
    if lines is not None and (lines != first + np.arange(len(lines))).any():
        numbers[_LINES] = lines.astype(np.int64).tobytes()
    return table.replace_schema_metadata({**(table.schema.metadata or {}), **numbers})


def keep_rows(table: pa.Table, kept: NDArray[np.bool_]) -> pa.Table:
    """The rows of a table where `kept`, of shape (n,), is true; they keep their numbers."""
    metadata = dict(table.schema.metadata or {})
    numbers = _array(metadata, _ROWS)
    if numbers is None:
        numbers = _first(metadata) + np.arange(table.num_rows)
    metadata[_ROWS] = numbers[kept].tobytes()
    lines = _array(metadata, _LINES)
    if lines is not None:
        metadata[_LINES] = lines[kept].tobytes()
    return table.filter(pa.array(kept)).replace_schema_metadata(metadata)


def row_number(table: pa.Table, row: int) -> int:
    """The number in its file of the row at an index; rows are numbered as spreadsheets do, without blank lines."""
    metadata = table.schema.metadata or {}
    numbers = _array(metadata, _ROWS)
    return _first(metadata) + row if numbers is None else int(numbers[row])


def row_name(table: pa.Table, row: int) -> str:
    """The row at an index in words: `row 5`, or `row 5 (line 7)` where blank lines or cells of several precede it."""
    lines = _array(table.schema.metadata or {}, _LINES)
    return numbered(row_number(table, row), None if lines is None else int(lines[row]))


def _first(metadata: dict[bytes, bytes]) -> int:
    return int(metadata.get(_FIRST, b"1"))


def _array(metadata: dict[bytes, bytes], key: bytes) -> NDArray[np.int64] | None:
    return np.frombuffer(metadata[key], np.int64) if key in metadata else None
