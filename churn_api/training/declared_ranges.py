"""Ranges of valid numbers that the user declares on the command line: age=0:120."""

import math
from collections.abc import Mapping

import msgspec

from churn_api.contract.signature import Signature
from churn_api.training.training_error import TrainingError

Range = tuple[float | None, float | None]
"""Minimum and maximum; None where a side is open."""


def parse_range(text: str) -> tuple[str, Range]:
    """A column and its range from `age=0:120`, `charges=0:` or `balance=:100`. Raises ValueError."""
    column, equals, bounds = text.rpartition("=")
    low, colon, high = bounds.partition(":")
    if not (column and equals and colon and (low or high)):
        raise ValueError("write it as COL=MIN:MAX, where MIN or MAX may be left out")
    return column, (_bound(low), _bound(high))


def with_ranges(signature: Signature, ranges: Mapping[str, Range]) -> Signature:
    """The signature with declared ranges. Raises TrainingError for a feature that is no number, or not there."""
    numbers = {feature.name for feature in signature.features if feature.type in ("integer", "number")}
    for name in ranges:
        if name not in numbers:
            raise TrainingError(f"--range {name!r}: the model has no number of that name")
    features = (
        msgspec.structs.replace(feature, minimum=ranges[feature.name][0], maximum=ranges[feature.name][1])
        if feature.name in ranges
        else feature
        for feature in signature.features
    )
    return msgspec.structs.replace(signature, features=tuple(features))


def _bound(text: str) -> float | None:
    if not text.strip():
        return None
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a bound is a finite number")
    return number
