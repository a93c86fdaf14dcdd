"""Rows of a table of text that are no customers: a second header, and a total at the end."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.remark import Remark
from churn_api.tables.cell_patterns import is_number, is_value
from churn_api.tables.cell_text import trimmed
from churn_api.tables.notation_inference import MISSING_MARKERS
from churn_api.tables.row_numbers import keep_rows, row_name
from churn_api.tables.table_errors import TableError

TOTALS = frozenset({"total", "totals", "grand total", "sum", "average", "mean", "summe", "gesamt", "totale"})

_SAMPLE = 200
_MIN_COLUMNS = 2


def refuse_values_as_names(path: Path, names: list[str]) -> None:
    """Raise TableError where a column is named like a value, so that the header is probably missing."""
    for position, name in enumerate(names, start=1):
        if is_value(name):
            raise TableError(
                f"{path.name}: the name of column {position} is a value: is the header missing? "
                "Write a line of names above the rows"
            )


def without_second_header(
    path: Path, table: pa.Table, header_row: int, target: str | None
) -> tuple[pa.Table, list[Remark]]:
    """The table without a first row that names the columns again (texts above numbers), and a remark about it.

    Raises TableError where the first header, in row `header_row`, does not name the target: the second one may.
    """
    below = table.slice(1, _SAMPLE)
    numeric = [name for name in _texts(table) if _are_numbers(below.column(name).to_pylist())]
    named = [name for name in numeric if not _is_number_or_missing(table.column(name)[0].as_py())]
    if len(named) < _MIN_COLUMNS or 2 * len(named) <= len(numeric):
        return table, []
    seen = f"{row_name(table, 0)} looks like a second header"
    if target not in table.column_names:
        raise TableError(f"{path.name}: {seen}: --skip-rows {header_row} takes its names, or delete it")
    remark = Remark(seen=seen, done="dropped", option=f"--skip-rows {header_row} takes its names")
    return keep_rows(table, np.arange(table.num_rows) > 0), [remark]


def without_total(table: pa.Table) -> tuple[pa.Table, list[Remark]]:
    """The table without a last row that is called a total, and a remark about it."""
    last = table.num_rows - 1
    for name in _texts(table):
        word = (table.column(name)[last].as_py() or "").strip().rstrip(":").lower()
        if word in TOTALS and not _occurs(word, table.column(name).slice(0, last)):
            remark = Remark(seen=f"{row_name(table, last)} looks like a total", done="dropped")
            return keep_rows(table, np.arange(last + 1) < last), [remark]
    return table, []


def _texts(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_string(field.type)]


def _occurs(word: str, column: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.equal(pc.utf8_lower(trimmed(column)), word)).as_py())


def _are_numbers(cells: list[str | None]) -> bool:
    return any(cell and is_number(cell) for cell in cells) and all(map(_is_number_or_missing, cells))


def _is_number_or_missing(cell: str | None) -> bool:
    return cell is None or is_number(cell) or cell.strip().lower() in MISSING_MARKERS
