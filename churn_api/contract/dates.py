"""Dates and times of records: ISO 8601 texts, which models take as days before a reference date."""

import math
import re
from datetime import UTC, date, datetime, time, timedelta

_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})"
    r"(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?\s?(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_DAY = timedelta(days=1)
MAX_DAYS = 3_652_058
"""Days between the first and the last date of the calendar that Python has."""


def parse_iso(text: str) -> datetime | None:
    """An instant from `2026-11-26` or `2026-11-26T08:30:00Z`; None where the text is neither.

    Without a zone, UTC is assumed. Digits beyond microseconds are cut off, so every unit gives the same instant.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    microseconds = f".{fraction[:6]:0<6}" if fraction else ""
    try:
        instant = datetime.fromisoformat(
            f"{day}T{clock or '00:00'}{':00' if clock and len(clock) == 5 else ''}{microseconds}{zone or ''}"
        )
        return instant.replace(tzinfo=UTC) if zone is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_day(text: str) -> date | None:
    """A date from `2026-11-26`; None where the text is something else."""
    instant = parse_iso(text) if len(text) == len("2026-11-26") else None
    return instant.date() if instant else None


def day_of(days: float, reference: date) -> date:
    """The date so many days before the reference date; beyond the calendar, its first or last date."""
    day = reference.toordinal() - math.floor(days)
    return date.fromordinal(min(max(day, date.min.toordinal()), date.max.toordinal()))


def days_before(instant: date, reference: date) -> float:
    """Days from a date or an instant to the start of the reference date; negative after it."""
    if not isinstance(instant, datetime):
        instant = datetime.combine(instant, time(), UTC)
    return (datetime.combine(reference, time(), UTC) - instant) / _DAY
