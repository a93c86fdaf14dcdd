"""Notation: how a table writes the values of a feature."""

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
