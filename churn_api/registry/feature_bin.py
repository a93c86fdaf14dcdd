"""Customers with similar values of a feature."""

from typing import Literal

import msgspec


class FeatureBin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the customers have in common: a range of numbers, a category, rarer categories, or no value."""

    kind: Literal["range", "category", "others", "missing"]
    lower: float | None = None
    upper: float | None = None
    """The least and the largest value of a range."""
    category: str | None = None
