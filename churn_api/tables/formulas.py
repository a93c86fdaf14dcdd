"""Cells that a spreadsheet takes for formulas when it opens a CSV file, where nothing tells text from a formula.

https://owasp.org/www-community/attacks/CSV_Injection
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.tables.written_values import as_written

_BEGINS_ONE = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$"
"""A formula whose result is itself: text that is a number is left as it is."""
_APOSTROPHE = "'"
"""Tells a spreadsheet that what follows is text."""


def without_formulas(table: pa.Table) -> pa.Table:
    """The table with an apostrophe before texts, and names of columns, that begin as a formula does."""
    written = as_written(table)
    names = _as_text(pa.array(written.schema.names, pa.string())).to_pylist()
    columns = [_as_text(column) if pa.types.is_string(column.type) else column for column in written.columns]
    return pa.table(columns, names=names)


def _as_text(texts: Any) -> Any:
    formula = pc.and_(pc.match_substring_regex(texts, _BEGINS_ONE), pc.invert(pc.match_substring_regex(texts, _NUMBER)))
    return pc.if_else(formula, pc.binary_join_element_wise(_APOSTROPHE, texts, ""), texts)
