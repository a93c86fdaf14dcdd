"""A DataFrame's columns as an Arrow table. This module does not import pandas: only a caller that has it needs it."""

import sys
from collections.abc import Collection
from typing import Any

import pyarrow as pa

from churn_api.python_api.plain_values import plain_value
from churn_api.tables.table_errors import TableError
from churn_api.tables.typed_cells import typed_column

_CELLS = (str, int, float, bool, type(None))
_NOT_ONE_TYPE = (pa.ArrowException, TypeError, ValueError, OverflowError, NotImplementedError)
"""What Arrow raises for a column of mixed types, or of a type that it does not support."""


def is_frame(table: object) -> bool:
    """Whether an object is a DataFrame; False where pandas has not been imported."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(table, pandas.DataFrame)


def names_of(frame: Any) -> list[str]:
    """The labels of a DataFrame's columns as strings."""
    return [str(label) for label in frame.columns]


def to_arrow(frame: Any, wanted: Collection[str]) -> pa.Table:
    """The wanted columns that a DataFrame has. Raises TableError where one cannot be read."""
    named = [(position, name) for position, name in enumerate(names_of(frame)) if name in wanted]
    columns = [_column(position, frame.iloc[:, position]) for position, _ in named]
    return pa.table(columns, names=[name for _, name in named])


def _column(position: int, series: Any) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(series, from_pandas=True)
    except _NOT_ONE_TYPE:
        return _mixed_column(position, [plain_value(cell) for cell in series.tolist()])


def _mixed_column(position: int, cells: list[Any]) -> pa.Array:
    """A column of mixed types; raises TableError for types other than text, numbers and booleans."""
    try:
        if all(type(cell) in _CELLS for cell in cells):
            return typed_column(cells)
    except (OverflowError, ValueError):  # infinity, or text that is not Unicode, among others
        pass
    raise TableError(f"column {position + 1} holds what is neither text, number nor boolean")
