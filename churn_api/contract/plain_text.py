"""One text as people write it -> the same in plain notation: 1230.5 for $1,230.50, 2026-01-31 for 31.01.2026.

tables/plain_cells.py does the same for the cells of a column.
"""

import re
from datetime import datetime

from churn_api.contract.dates import parse_iso
from churn_api.contract.notation import Notation, number_pattern, writes_numbers
from churn_api.contract.signature import Feature
from churn_api.contract.text_values import NUMBER, WHITESPACE

MISFIT = "\ufffd"
"""Marks a text that does not fit its feature's notation, so that no number or date is read from it."""


def plain_text(feature: Feature, text: str) -> str | None:
    """A text in plain notation, without white space around it; None where it means a missing value."""
    trimmed, notation = text.strip(WHITESPACE), feature.notation
    if not trimmed or notation is None:
        return trimmed or None
    if trimmed.lower() in notation.missing:
        return None
    if feature.type == "date":
        return plain_date(trimmed, notation.date_format) if notation.date_format else trimmed
    return _plain_number(trimmed, notation) if feature.numeric and writes_numbers(notation) else trimmed


def plain_date(text: str, date_format: str) -> str:
    """A date in ISO 8601, from that or from a format of `strptime`."""
    if parse_iso(text):
        return text
    try:
        return datetime.strptime(text, date_format).isoformat()
    except ValueError:
        return f"{MISFIT}{text}"


def _plain_number(text: str, notation: Notation) -> str:
    """A number in plain notation. One that is plain already stays, unless the notation reads another number in it."""
    bare = _without_unit(text, notation.unit) if notation.unit else text
    is_plain = re.fullmatch(NUMBER, text)
    if not re.fullmatch(number_pattern(notation), bare):
        return text if is_plain else f"{MISFIT}{text}"
    digits = bare.replace(notation.thousands, "") if notation.thousands else bare
    plain = digits.replace(notation.decimal, ".")
    return f"{MISFIT}{text}" if is_plain and plain != text else plain


def _without_unit(text: str, unit: str) -> str:
    """A text without the unit before or after its number; a sign may stand before the unit."""
    escaped = re.escape(unit)
    return re.sub(rf"\s*{escaped}$", "", re.sub(rf"^([-+]?)\s*{escaped}\s*", r"\1", text))
