"""Cells that each have a type of their own, as in JSON and in spreadsheets -> columns of one type."""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from churn_api.tables.cell_text import as_text

Cell = str | int | float | bool | None

_ORDER = (pa.null(), pa.int64(), pa.float64())
"""Types, each of which holds what those before it hold."""


def typed(cells: Sequence[Cell]) -> pa.Array:
    """Cells as a column: integers, floats or booleans where all are, else text; of nothing but None, of type null."""
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
    """The type that holds the cells of columns of these types: text where no other does, or where there are none."""
    found = set(kinds) - {pa.null()}
    if not found:
        return pa.string()
    if len(found) == 1:
        return found.pop()
    return pa.float64() if found <= set(_ORDER) else pa.string()


def as_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """The column as one of a type that `common_type` found for it: whole numbers become text without a fraction."""
    return as_text(column) if kind == pa.string() else column.cast(kind, safe=False)


def _float(cell: Cell) -> float | None:
    return None if cell is None else float(cell)


def _text(cell: Cell) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(int(cell)) if cell == int(cell) else repr(cell)
