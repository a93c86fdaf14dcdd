"""Columns: many records by field, in the two arrays that a model takes as input."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.dates import days_before, parse_iso
from churn_api.contract.signature import Signature


class Columns(NamedTuple):
    """n records of k numeric and m text features, each array in the signature's order."""

    numbers: NDArray[np.float64]
    """Shape (n, k); integers, numbers and booleans; NaN is missing."""
    texts: NDArray[np.object_]
    """Shape (n, m); Python strings; the empty string is missing."""

    @property
    def rows(self) -> int:
        """The number of records."""
        return len(self.numbers)

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> "Columns":
        """The rows at these positions, in the given order."""
        return Columns(self.numbers[rows], self.texts[rows])

    def blocks(self, rows: int) -> Iterator["Columns"]:
        """Consecutive views of at most `rows` records each; nothing is copied."""
        for first in range(0, self.rows, rows):
            yield Columns(self.numbers[first : first + rows], self.texts[first : first + rows])


class ColumnsBuilder:
    """Turns values of features into columns; None is missing."""

    def __init__(self, signature: Signature) -> None:
        self._numeric = [index for index, feature in enumerate(signature.features) if feature.numeric]
        self._text = [index for index, feature in enumerate(signature.features) if not feature.numeric]
        self._converters = dict(_converters(signature))

    def build(self, values: Sequence[Sequence[Any]], rows: int) -> Columns:
        """Columns of `values`: one sequence of length `rows` per feature, in the signature's order."""
        numbers = self._as_numbers(values, len(self._numeric) * rows)
        texts = np.array([[value or "" for value in values[index]] for index in self._text], dtype=object)
        return Columns(numbers.reshape(len(self._numeric), rows).T, texts.reshape(len(self._text), rows).T)

    def build_one(self, values: Sequence[Any]) -> Columns:
        """Columns of one record, faster than `build`: one value per feature, in the signature's order."""
        try:
            numbers = np.fromiter([values[index] for index in self._numeric], np.float64, len(self._numeric))
        except (TypeError, ValueError):
            numbers = self._as_numbers([[value] for value in values], len(self._numeric))
        texts = np.array([values[index] or "" for index in self._text], dtype=object)
        return Columns(numbers[None], texts[None])

    def _as_numbers(self, values: Sequence[Sequence[Any]], size: int) -> NDArray[np.float64]:
        """The values of all numeric features, one feature after another: shape (size,)."""
        try:
            return np.fromiter(chain.from_iterable(values[index] for index in self._numeric), np.float64, size)
        except (TypeError, ValueError):
            # A label or a date. Most records have neither, so only those that do pay for the conversion.
            converted = (self._converted(index, values[index]) for index in self._numeric)
            return np.fromiter(chain.from_iterable(converted), np.float64, size)

    def _converted(self, index: int, values: Sequence[Any]) -> Sequence[Any]:
        converter = self._converters.get(index)
        return [converter(value) for value in values] if converter else values

    def build_from_rows(self, rows: Sequence[Sequence[Any]]) -> Columns:
        """Columns of records, each with one value per feature."""
        features = len(self._numeric) + len(self._text)
        return self.build(list(zip(*rows, strict=True)) or [()] * features, len(rows))


def _converters(signature: Signature) -> Iterator[tuple[int, Callable[[Any], Any]]]:
    """By a feature's index, a function from its values to numbers, where NumPy does not know how."""
    for index, feature in enumerate(signature.features):
        if feature.reference:
            yield index, partial(_days, date.fromisoformat(feature.reference))
        elif feature.labels:
            truths = dict(zip(feature.labels, (True, False), strict=True))
            yield index, partial(_lookup, truths)


def _lookup(truths: dict[str | int, bool], value: Any) -> Any:
    return truths.get(value, value)


def _days(reference: date, value: Any) -> Any:
    instant = parse_iso(value) if isinstance(value, str) else value
    return days_before(instant, reference) if isinstance(instant, date) else value


def concatenate(parts: Sequence[Columns]) -> Columns:
    """The rows of all parts, in order: n is the sum of theirs."""
    return Columns(np.concatenate([part.numbers for part in parts]), np.concatenate([part.texts for part in parts]))
