"""What the model would answer if the company changed what it can: one or two actionable features at a time.

The answers are the model's, not effects: what a change would do in the world is another question.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns, ColumnsBuilder
from churn_api.contract.record_schema import value_range
from churn_api.contract.signature import Feature, Signature
from churn_api.reasons.feature_values import FeatureValues, Value

LEAST_GAIN = 0.02
"""By so much a change lowers the probability, and a second change lowers it further, to be worth showing."""

_Cell = tuple[int, float | str]
"""A feature's position in the signature, and what the model takes for it."""


class Change(NamedTuple):
    """A feature set to another value."""

    feature: int
    """Position in the signature."""
    value: Value


class Variant(NamedTuple):
    """A record with one or two changes, and the probability that the model gives it."""

    changes: tuple[Change, ...]
    probability: float


class WhatIf:
    """Finds changes of records under one signature."""

    def __init__(self, signature: Signature) -> None:
        self._features = signature.features
        self._values = FeatureValues(signature)
        self._builder = ColumnsBuilder(signature)

    def lowering(
        self, record: Columns, probability: float, score: Callable[[Columns], NDArray[np.float64]], count: int
    ) -> list[Variant]:
        """The changes of one record that lower its probability most, at most `count`, the lowest first.

        `record` has one row, and `score` gives the probabilities of n rows, shape (n,).
        """
        singles = [(cell,) for cell in self._other_cells(record)]
        pairs = [(one, other) for (one,), (other,) in combinations(singles, 2) if one[0] != other[0]]
        cells: list[tuple[_Cell, ...]] = [*singles, *pairs]
        if not cells:
            return []
        columns = self._changed(record, cells)
        found = dict(zip(cells, score(columns).tolist(), strict=True))
        rows = [row for row, changed in enumerate(cells) if _is_worth(changed, found, probability)]
        rows.sort(key=lambda row: (found[cells[row]], len(cells[row])))
        return [
            Variant(
                tuple(Change(feature, self._values.of(columns, row, feature)) for feature, _ in cells[row]),
                found[cells[row]],
            )
            for row in rows[:count]
        ]

    def _other_cells(self, record: Columns) -> Iterator[_Cell]:
        """What the actionable features can be set to, but for their present values."""
        for position, feature in enumerate(self._features):
            present = self._values.cell(record, 0, position)
            reachable = (self._cell(position, value) for value in _reachable(feature, present))
            for cell in dict.fromkeys(reachable):
                if cell != present:
                    yield position, cell

    def _cell(self, position: int, value: Value) -> float | str:
        values: list[Value] = [None] * len(self._features)
        values[position] = value
        return self._values.cell(self._builder.build_one(values), 0, position)

    def _changed(self, record: Columns, cells: Sequence[tuple[_Cell, ...]]) -> Columns:
        """A row for each of the changes."""
        columns = record.take(np.zeros(len(cells), np.intp))
        for row, changed in enumerate(cells):
            for feature, cell in changed:
                self._values.put(columns, row, feature, cell)
        return columns


def _reachable(feature: Feature, present: float | str) -> Iterator[Value]:
    """The values that a feature can be set to; none of them is one that the signature refuses."""
    if feature.actionable is not None:
        for value in (*feature.actionable.values, *_multiples(feature, present, feature.actionable.factors)):
            if feature.type not in ("integer", "number") or _is_accepted(feature, value):
                yield value


def _multiples(feature: Feature, present: float | str, factors: Sequence[float]) -> Iterator[float]:
    if not isinstance(present, str):
        for factor in factors:
            yield float(np.rint(present * factor)) if feature.type == "integer" else present * factor


def _is_accepted(feature: Feature, value: Any) -> bool:
    low, high = value_range(feature)
    return low <= value <= high and (feature.choices is None or feature.open or value in feature.choices)


def _is_worth(changed: tuple[_Cell, ...], found: dict[tuple[_Cell, ...], float], probability: float) -> bool:
    """Whether the changes lower the probability enough, and two of them further than one of them alone."""
    before = probability if len(changed) == 1 else min(probability, *(found[(cell,)] for cell in changed))
    return found[changed] <= before - LEAST_GAIN
