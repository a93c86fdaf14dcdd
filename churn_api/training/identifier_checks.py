"""Finds the columns that identify a customer, from which nothing can be learned about the next one."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churn_api.tables.cell_text import as_text, trimmed
from churn_api.tables.inference import infer_type

NEARLY_UNIQUE = 0.95
"""Share of different values from which a column counts as nearly unique."""
OFTEN_UNIQUE = 0.5
"""The same for a column that is named like an identifier: a customer may have several rows."""

_MIN_DISTINCT = 30
_LONG_NUMBER = 10**11
"""From 12 digits, a whole number that differs in nearly every row identifies rather than measures."""
_BEYOND_EXACT = 10**15
"""From 16 digits, a number is not exact as a double, so it measures nothing."""

_NAMES = re.compile(
    r"(?:^|[\W_])(?:ids?|uuid|guid|keys?|ssn|e-?mail|phone|telephone|msisdn|iban|index|row|record|unnamed)(?:$|[\W_])"
    r"|[a-z](?:ID|Id|Key|Uuid|UUID)$"
    r"|(?:customer|client|account|user|member|policy|row|record|subscriber|phone)[\W_]*(?:no|nr|num|number|code)\.?$",
)
_ANY_CASE = re.compile(_NAMES.pattern.replace(r"|[a-z](?:ID|Id|Key|Uuid|UUID)$", ""), re.IGNORECASE)
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


def identifier_evidence(name: str, column: pa.ChunkedArray) -> str | None:
    """What makes a column in plain notation an identifier, as the end of a sentence; None where nothing does."""
    kind = infer_type(column)
    if kind == "string":
        return _text_evidence(name, trimmed(as_text(column).drop_null()))
    return _number_evidence(name, column) if kind in ("integer", "number") else None


def may_identify(column: pa.ChunkedArray) -> bool:
    """Whether a column has a different whole number in every row, and may yet be a measurement."""
    return (
        infer_type(column) == "integer" and pc.count_distinct(column, mode="all").as_py() == len(column) > _MIN_DISTINCT
    )


def is_named_like_identifier(name: str) -> bool:
    """Whether a column is named like an identifier: customer_id, CustomerID, account number, e-mail."""
    return bool(_NAMES.search(name) or _ANY_CASE.search(name))


def _text_evidence(name: str, cells: pa.ChunkedArray) -> str | None:
    if len(cells) == 0:
        return None
    if pc.mean(pc.match_substring_regex(cells, _EMAIL)).as_py() >= NEARLY_UNIQUE:
        return "holds e-mail addresses"
    distinct = pc.count_distinct(cells).as_py()
    return _uniqueness(name, distinct, len(cells), NEARLY_UNIQUE)


def _number_evidence(name: str, column: pa.ChunkedArray) -> str | None:
    cells = column.drop_null()
    numbers = _float64(cells)
    if len(cells) == 0 or (numbers != np.trunc(numbers)).any():
        return None
    if (np.abs(numbers) >= _BEYOND_EXACT).mean() >= NEARLY_UNIQUE:
        return "has whole numbers of 16 digits or more"
    distinct = pc.count_distinct(cells).as_py()
    share = distinct / len(cells)
    if share >= NEARLY_UNIQUE and distinct >= _MIN_DISTINCT:
        if (np.diff(numbers) >= 0).all():
            return "rises with the row"
        if np.ptp(numbers) < len(numbers) * 1.05:
            return "numbers the rows"
        if np.abs(numbers).min() >= _LONG_NUMBER:
            return "has a different long number in nearly every row"
    return _uniqueness(name, distinct, len(cells), None)


def _uniqueness(name: str, distinct: int, rows: int, unique: float | None) -> str | None:
    """The evidence of `distinct` values in `rows` cells; `unique` is the share that suffices without a name."""
    if distinct < _MIN_DISTINCT:
        return None
    if is_named_like_identifier(name) and distinct >= OFTEN_UNIQUE * rows:
        return "is named like one, and most of its values are different"
    return "differs in nearly every row" if unique is not None and distinct >= unique * rows else None


def _float64(cells: pa.ChunkedArray) -> NDArray[np.float64]:
    """Numbers, as text or not, shape (n,). Beyond 2^53 they are rounded."""
    plain = trimmed(cells) if pa.types.is_string(cells.type) else cells
    return np.asarray(plain.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
