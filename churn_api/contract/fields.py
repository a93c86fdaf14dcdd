"""Strict Marshmallow fields: one per type of feature, and one for the identifier. No value is cast silently.

Fields raise `ValidationError([Fault, …])`: Marshmallow passes the Fault objects through unchanged.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NoReturn

from marshmallow import ValidationError, fields, validate

from churn_api.contract.dates import days_before, parse_iso
from churn_api.contract.faults import Fault, Words, did_you_mean, format_choices
from churn_api.contract.feature_attributes import FLOAT32_MAX
from churn_api.contract.unicode_text import is_unicode

MAX_IDENTIFIER_LENGTH = 128
INT64 = (-(2**63), 2**63 - 1)
EXACT_INTEGERS = (-(2**53) + 1, 2**53 - 1)
"""Integers that every JSON parser represents exactly (RFC 7493, section 2.2)."""

# Control, format and private-use characters, and separators other than the space. UTF-8 has no lone surrogates.
_UNPRINTABLE = (
    r"\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u180e"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\ue000-\uf8ff\ufeff\ufff0-\uffff"
)
PRINTABLE = f"[^{_UNPRINTABLE}]+"

IDENTIFIER_TYPES = [
    {"type": "string", "minLength": 1, "maxLength": MAX_IDENTIFIER_LENGTH, "pattern": f"^{PRINTABLE}$"},
    {"type": "integer", "minimum": INT64[0], "maximum": INT64[1]},
    {"type": "null"},
]
"""JSON Schema of an identifier."""

SEND_UNQUOTED = "Send it without quotes."
SEND_BOOLEAN = "Send true or false, without quotes."
SEND_ISO = "Send it as 2026-01-31, or with a time as 2026-01-31T08:30:00Z."
JSON_HINTS = (SEND_UNQUOTED, SEND_BOOLEAN)
"""Hints that apply to JSON only, not to the cells of a table."""


def fail(code: str, message: str, hint: str | None = None) -> NoReturn:
    """Raise one fault as a Marshmallow ValidationError."""
    raise ValidationError([Fault(code, message, hint)])


def format_number(number: float) -> str:
    """A number without trailing zeros: 0 rather than 0.0."""
    return f"{number:.15g}"


class InRange(validate.Range):
    """Inclusive minimum and maximum; None means unbounded."""

    def __call__(self, value: Any) -> Any:
        """Return the value if it is in range."""
        if self.min is not None and value < self.min:
            fail("too-small", f"Must be at least {format_number(self.min)}.")
        if self.max is not None and value > self.max:
            fail("too-large", f"Must be at most {format_number(self.max)}.")
        return value


class InLength(validate.Length):
    """From one character to a maximum."""

    def __call__(self, value: Any) -> Any:
        """Return the value if its length is valid."""
        if not value:
            fail("empty", "Must not be empty.", "Leave the field out, or send null, where the value is not known.")
        if self.max is not None and len(value) > self.max:
            fail("too-long", f"Must have at most {self.max} characters.")
        return value


class KnownChoice(validate.OneOf):
    """One of the values that training saw."""

    def __init__(self, choices: Iterable[Any]) -> None:
        super().__init__(tuple(choices))
        self._set = frozenset(self.choices)
        self._listed = format_choices(tuple(self.choices))
        self._words = Words(map(str, self.choices))

    def __call__(self, value: Any) -> Any:
        """Return the value if it is a known choice."""
        if value not in self._set:
            hint = did_you_mean(value, self._words) if isinstance(value, str) else None
            fail("not-a-choice", f"Must be one of: {self._listed}.", hint)
        return value


class Number(fields.Float):
    """A finite number that float32 can represent; neither a boolean nor a string."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            fail("wrong-type", "Must be a number.", _unquote(value))
        return float(_require_float32(value))


class Integer(fields.Integer):
    """An integer; 3.0 is accepted."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            fail("wrong-type", "Must be an integer.", _unquote(value))
        if _require_float32(value) != int(value):
            fail("wrong-type", "Must be an integer.", "It has a fraction.")
        return int(value)


class Boolean(fields.Boolean):
    """True, false, or one of the two labels that the training table has for them."""

    def __init__(self, *, labels: Sequence[str | int] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.labels = labels

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str | int | float) and value in self.labels:
            return bool(value == self.labels[0])
        if self.labels:
            fail("wrong-type", f"Must be true or false, or one of: {format_choices(self.labels)}.")
        fail("wrong-type", "Must be a boolean.", SEND_BOOLEAN)


class Date(fields.Field[float]):
    """An ISO 8601 date, or a date with a time; loaded as days before the reference date."""

    def __init__(self, *, reference: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._reference = date.fromisoformat(reference)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        instant = parse_iso(value) if isinstance(value, str) else None
        if instant is None:
            fail("wrong-type", "Must be a date.", SEND_ISO)
        return days_before(instant, self._reference)


class Text(fields.String):
    """A string; other types are not converted."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            fail("wrong-type", "Must be a string.")
        return _require_unicode(value)


class Identifier(fields.Field[Any]):
    """A string of 1 to 128 printable characters, or an integer of 64 bits; kept exactly as sent."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | int | float:
        if isinstance(value, str):
            return _require_printable(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_exact_integer(value):
            fail("wrong-type", "Must be a string or a 64-bit integer.")
        return value


def _is_exact_integer(value: float) -> bool:
    """Whether a parsed JSON number equals the integer that was sent: 7, or 7.0 within the exact range of doubles."""
    low, high = INT64 if isinstance(value, int) else EXACT_INTEGERS
    return low <= value <= high and value == int(value)


_PRINTABLE = re.compile(PRINTABLE)


def _require_printable(value: str) -> str:
    if not 0 < len(value) <= MAX_IDENTIFIER_LENGTH:
        fail("wrong-length", f"Must have 1 to {MAX_IDENTIFIER_LENGTH} characters.")
    if not is_unicode(value) or not _PRINTABLE.fullmatch(value):
        fail("not-printable", "Must hold printable characters only.")
    return value


def _require_unicode(value: str) -> str:
    if not is_unicode(value):
        fail("not-text", "Must be Unicode text.")
    return value


def _require_float32(value: float) -> float:
    if not abs(value) <= FLOAT32_MAX:  # also true for NaN
        fail("not-a-number", "Must be a finite number that 32 bits can hold.")
    return value


def _unquote(value: object) -> str | None:
    return SEND_UNQUOTED if isinstance(value, str) else None
