"""Cells with individual types, as in JSON and spreadsheets -> columns of one type."""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from churn_api.tables.cell_text import as_text

Cell = str | int | float | bool | None

_ORDER = (pa.null(), pa.int64(), pa.float64())
"""Types in order of generality: each can represent the values of those before it."""


def typed_column(cells: Sequence[Cell]) -> pa.Array:
    """Cells as a column: integers, floats or booleans where all are, else text; of type null where all are None."""
    kinds = set(map(type, cells)) - {type(None)}
    if kinds == {int}:
        try:
            return pa.array(cells, pa.int64())
        except OverflowError:
            return pa.array(map(_float, cells), pa.float64())
    if not kinds or kinds in ({bool}, {str}, {float}):
        return pa.array(cells)
    if kinds == {int, float}:
        return pa.array(map(_float, cells), pa.float64())
    return pa.array(map(_text, cells), pa.string())


def common_type(kinds: Iterable[pa.DataType]) -> pa.DataType:
    """The most specific type for columns of these types; text where no other fits, or `kinds` is empty."""
    types = set(kinds) - {pa.null()}
    if not types:
        return pa.string()
    if len(types) == 1:
        return types.pop()
    return pa.float64() if types <= set(_ORDER) else pa.string()


def cast_column(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast a column to a type from `common_type`: integral floats become text without a fraction."""
    return as_text(column) if kind == pa.string() else column.cast(kind, safe=False)


def _float(cell: Cell) -> float | None:
    return None if cell is None else float(cell)


def _text(cell: Cell) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(int(cell)) if cell == int(cell) else repr(cell)
