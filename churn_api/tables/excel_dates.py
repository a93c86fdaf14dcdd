"""Dates in workbooks: which number formats show dates or times, and serial numbers of days -> ISO text."""

import re
from datetime import datetime, timedelta

_DATES = frozenset(map(str, [*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)]))
"""Ids of Excel's built-in number formats that show dates or times."""
_MAX_FORMAT = 255
"""Characters of a number format, as Excel allows."""
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_PARTS_OF_DATES = re.compile(r"[dmyhs]", re.IGNORECASE)
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)


def date_styles(formats: list[dict[str, str]], styles: list[dict[str, str]]) -> frozenset[str]:
    """The indices of the cell styles that show dates or times."""
    own = {item["numFmtId"]: _is_date_format(item["formatCode"]) for item in formats}
    dates = {number for number in _DATES | own.keys() if own.get(number, True)}
    return frozenset(str(index) for index, style in enumerate(styles) if style.get("numFmtId") in dates)


def as_date(days: float, *, base_1904: bool) -> str | float:
    """A date as ISO text, with its time where it has one; the number itself where it is out of range.

    Excel treats 1900 as a leap year: days before its nonexistent 29 February (day 60) have an epoch one day later.
    """
    base = datetime(1904, 1, 1) if base_1904 else datetime(1899, 12, 31 if days < 60 else 30)
    try:
        moment = base + timedelta(milliseconds=round(days * 86_400_000))
    except OverflowError:
        return days
    if 0 <= days < 1:
        return moment.time().isoformat("auto")
    return moment.isoformat(" ").removesuffix(" 00:00:00")


def _is_date_format(code: str) -> bool:
    """Whether a number format shows a date or a time of day; elapsed time counts as a number."""
    if len(code) > _MAX_FORMAT:
        return False
    return not _ELAPSED.search(code) and bool(_PARTS_OF_DATES.search(_LITERALS.sub("", code.partition(";")[0])))
