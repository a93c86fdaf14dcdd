"""Notation: how a table writes the values of a feature."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec


class Notation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How tables write a feature, where that is not the plain way. It applies to text in tables, not to JSON."""

    missing: tuple[str, ...] = ()
    """Texts that mean a missing value, in lower case; a blank cell always does."""
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    unit: str = ""
    """A text before or after each number, such as % or $; cells without it are read too."""
    date_format: str = ""
    """A format of `strptime`; empty for ISO 8601."""


MAX_TEXT = 64
"""Characters of a marker, a unit or a format of dates."""
_EXAMPLE = datetime(2026, 1, 31, 8, 30)


def is_date_format(text: str) -> bool:
    """Whether a format of `strptime` reads back the day that `strftime` writes with it."""
    try:
        return datetime.strptime(_EXAMPLE.strftime(text), text).date() == _EXAMPLE.date()
    except (ValueError, re.error):
        return False


def writes_numbers(notation: Notation) -> bool:
    """Whether a notation says how numbers are written."""
    return notation.decimal != "." or bool(notation.thousands or notation.unit)


def number_pattern(notation: Notation) -> str:
    """A regular expression of the numbers that a notation writes, without their unit. Leading zeros make a code."""
    decimal, thousands = re.escape(notation.decimal), re.escape(notation.thousands)
    grouped = f"[1-9][0-9]{{0,2}}({thousands}[0-9]{{3}})+|" if thousands else ""
    return f"^[-+]?(({grouped}0|[1-9][0-9]*)({decimal}[0-9]*)?|{decimal}[0-9]+)([eE][-+]?[0-9]+)?$"


def notation_complaints(notation: Notation) -> Iterator[str]:
    """What contradicts itself in a notation."""
    if notation.decimal == notation.thousands:
        yield "its notation has the same mark for decimals and thousands"
    if any(text != text.strip().lower() or not 0 < len(text) <= MAX_TEXT for text in notation.missing):
        yield f"a marker of missing values has 1 to {MAX_TEXT} characters, in lower case, without spaces around"
    unit = notation.unit
    if len(unit) > MAX_TEXT or unit != unit.strip() or (unit and not unit.strip("0123456789+-.,'eE")):
        yield f"a unit has at most {MAX_TEXT} characters, and one that no number has"
    if any(character.isdigit() for character in unit):
        yield "a unit has no digits"
    if notation.date_format and (len(notation.date_format) > MAX_TEXT or not is_date_format(notation.date_format)):
        yield "its format of dates does not read back what it writes"
