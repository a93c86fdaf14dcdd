"""A record's values as people and JSON write them, from the columns that a model takes."""

import math
from collections.abc import Callable, Iterator
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
        self._readers = [_reader(feature) for feature in signature.features]
        self.places = list(_places(signature))
        """For each feature whether it is among a record's numbers, and its position there or among its texts."""

    def of(self, columns: Columns, row: int, feature: int) -> Value:
        """The value of a row's feature; `feature` is its position in the signature."""
        return self.of_cell(feature, self.cell(columns, row, feature))

    def of_cell(self, feature: int, cell: float | str | None) -> Value:
        """The value that a feature's cell stands for; NaN and the empty text are missing."""
        if cell is None or isinstance(cell, str):
            return cell or None
        return None if math.isnan(cell) else self._readers[feature](cell)

    def cell(self, columns: Columns, row: int, feature: int) -> float | str:
        """What the model takes for a row's feature."""
        numeric, position = self.places[feature]
        array = columns.numbers if numeric else columns.texts
        cell: float | str = array[row, position]
        return cell

    def put(self, columns: Columns, row: int, feature: int, cell: float | str) -> None:
        """Set a row's feature, in the form that `cell` returns."""
        numeric, position = self.places[feature]
        array = columns.numbers if numeric else columns.texts
        array[row, position] = cell


def _places(signature: Signature) -> Iterator[tuple[bool, int]]:
    counts = {True: 0, False: 0}
    for feature in signature.features:
        yield feature.numeric, counts[feature.numeric]
        counts[feature.numeric] += 1


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
