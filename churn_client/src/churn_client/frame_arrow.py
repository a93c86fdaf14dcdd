"""A DataFrame or an Arrow table -> an Arrow table. This module does not import pandas: who has a DataFrame has it."""

import sys
from typing import Any

import pyarrow as pa

_CELLS = (str, int, float, bool)


def is_frame(table: object) -> bool:
    """Whether an object is a DataFrame; False where pandas has not been imported."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(table, pandas.DataFrame)


def to_arrow(table: Any) -> pa.Table:
    """An Arrow table, or a DataFrame without its index. Raises TypeError where a column holds what no table can."""
    return _frame_to_arrow(table) if is_frame(table) else pa.table(table)


def _frame_to_arrow(frame: Any) -> pa.Table:
    columns = [_column(str(label), frame.iloc[:, position]) for position, label in enumerate(frame.columns)]
    return pa.table(columns, names=[str(label) for label in frame.columns])


def _column(name: str, series: Any) -> pa.Array:
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        cells = [None if missing else cell for cell, missing in zip(series, series.isna(), strict=True)]
        if not all(cell is None or isinstance(cell, _CELLS) for cell in cells):
            raise TypeError(f"column {name!r} holds what is neither text, number nor boolean") from error
        # Of mixed types: the service reads text as it reads the cells of a file.
        return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())
