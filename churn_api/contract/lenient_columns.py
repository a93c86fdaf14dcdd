"""Reads the values of one feature at once, for many records: an array, or a list of plain values.

It accepts a strict subset of what the reader of rows accepts, with the same values; that reader explains all others.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.lenient_values import converter
from churn_api.contract.record_schema import value_range
from churn_api.contract.signature import Feature
from churn_api.contract.unicode_text import is_unicode

Values = Sequence[Any] | NDArray[Any]

_TEXTS = frozenset({str, type(None)})
_NUMBERS = frozenset({int, float, type(None)})


class ColumnReader:
    """Reads the column of one feature."""

    def __init__(self, feature: Feature) -> None:
        self._feature = feature
        self._convert = converter(feature)
        self._may_miss = feature.nullable or not feature.required
        self._closed = feature.choices is not None and not feature.open
        self._choices = frozenset(feature.choices or ())
        self._range = value_range(feature)
        self._types = _NUMBERS | {bool} if feature.type == "boolean" else _NUMBERS
        self._array_kinds = "biuf" if feature.type == "boolean" else "iuf"

    def read(self, values: Values) -> list[Any] | None:
        """The values as `Columns` are made of them; None where only the reader of rows can accept or explain them."""
        if self._feature.type == "date" or (self._feature.numeric and self._feature.choices is not None):
            return None
        if isinstance(values, np.ndarray):
            return self._array(values)
        types = set(map(type, values))
        if types <= _TEXTS:
            read = {text: None if text is None else self._convert(text) for text in set(values)}
            values = [read[text] for text in values]
            types = set(map(type, read.values()))
        if not self._feature.numeric:
            return list(values) if types <= _TEXTS and self._are_strings(set(values)) else None
        return self._numbers(values) if types <= self._types else None

    def _array(self, values: NDArray[Any]) -> list[Any] | None:
        if not self._feature.numeric or values.dtype.kind not in self._array_kinds:
            return None
        return self._checked(values.astype(np.float64))

    def _numbers(self, values: Sequence[Any]) -> list[Any] | None:
        try:
            return self._checked(np.array(values, np.float64))
        except OverflowError:
            return None

    def _checked(self, numbers: NDArray[np.float64]) -> list[Any] | None:
        if self._feature.type == "boolean":
            fits = (numbers == 0) | (numbers == 1)
        else:
            fits = (numbers >= self._range[0]) & (numbers <= self._range[1])
            if self._feature.type == "integer":
                fits &= numbers == np.trunc(numbers)
        if self._may_miss:
            fits |= np.isnan(numbers)
        return numbers.tolist() if fits.all() else None

    def _are_strings(self, distinct: set[Any]) -> bool:
        if None in distinct and not self._may_miss:
            return False
        texts = distinct - {None}
        if self._closed:
            return texts <= self._choices
        return all(0 < len(text) <= self._feature.max_length and is_unicode(text) for text in texts)
