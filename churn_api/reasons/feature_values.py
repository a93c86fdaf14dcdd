"""A record's values as people and JSON write them, from the columns that a model takes."""

from collections.abc import Callable
from datetime import date
from typing import Any

from churn_api.contract.columns import Columns
from churn_api.contract.dates import day_of
from churn_api.contract.feature_attributes import FeatureAttributes
from churn_api.contract.signature import Signature

Value = str | bool | int | float | None
"""A value of a feature; None is missing. A date is a text, a boolean one of its labels where it has labels."""


class FeatureValues:
    """Reads values of one signature's features from columns."""

    def __init__(self, signature: Signature) -> None:
        self._readers: list[tuple[bool, int, Callable[[Any], Value]]] = []
        counts = {True: 0, False: 0}
        for feature in signature.features:
            self._readers.append((feature.numeric, counts[feature.numeric], _reader(feature)))
            counts[feature.numeric] += 1

    def of(self, columns: Columns, row: int, feature: int) -> Value:
        """The value of a row's feature; `feature` is its position in the signature."""
        numeric, position, read = self._readers[feature]
        if not numeric:
            return columns.texts[row, position] or None
        number = columns.numbers[row, position]
        return None if number != number else read(number)  # noqa: PLR0124 - NaN is missing


def _reader(feature: FeatureAttributes) -> Callable[[Any], Value]:
    if feature.type == "boolean":
        false, true = (False, True) if feature.labels is None else (feature.labels[1], feature.labels[0])
        return lambda number: true if number else false
    if feature.type == "integer":
        return int
    if feature.reference is not None:
        reference = date.fromisoformat(feature.reference)
        return lambda days: str(day_of(days, reference))
    return float
