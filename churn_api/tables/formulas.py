"""Escapes text that a spreadsheet would run as a formula in a CSV file, which does not mark text as text.

https://owasp.org/www-community/attacks/CSV_Injection
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.tables.written_values import as_written

_FORMULA_START = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$"
"""Text that is a number is left unchanged: as a formula its result is itself."""
_APOSTROPHE = "'"
"""A spreadsheet treats a cell that begins with it as text."""


def without_formulas(table: pa.Table) -> pa.Table:
    """The table with an apostrophe before each text, and each column name, that begins like a formula."""
    written = as_written(table)
    names = _as_text(pa.array(written.schema.names, pa.string())).to_pylist()
    columns = [_as_text(column) if pa.types.is_string(column.type) else column for column in written.columns]
    return pa.table(columns, names=names)


def _as_text(texts: Any) -> Any:
    formula = pc.and_(
        pc.match_substring_regex(texts, _FORMULA_START), pc.invert(pc.match_substring_regex(texts, _NUMBER))
    )
    return pc.if_else(formula, pc.binary_join_element_wise(_APOSTROPHE, texts, ""), texts)
