"""Columns: many records, by field, in the two blocks that a model computes with."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.signature import Signature


class Columns(NamedTuple):
    """n records of k numeric and m text features, each block in the signature's order."""

    numbers: NDArray[np.float64]
    """Shape (n, k); integers, numbers and booleans; NaN is missing."""
    texts: NDArray[np.object_]
    """Shape (n, m); Python strings; the empty string is missing."""

    @property
    def rows(self) -> int:
        """N."""
        return len(self.numbers)

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> "Columns":
        """The named rows, in that order."""
        return Columns(self.numbers[rows], self.texts[rows])


class ColumnsBuilder:
    """Turns the values of records, as `Record.values` holds them, into columns."""

    def __init__(self, signature: Signature) -> None:
        self._numeric = [index for index, feature in enumerate(signature.features) if feature.numeric]
        self._text = [index for index, feature in enumerate(signature.features) if not feature.numeric]

    def build(self, rows: Sequence[Sequence[Any]]) -> Columns:
        """Columns of `rows`, each with one value a feature in the signature's order; None is missing."""
        numbers = np.array([[row[index] for index in self._numeric] for row in rows], dtype=np.float64)
        texts = np.array([[row[index] or "" for index in self._text] for row in rows], dtype=object)
        return Columns(
            numbers.reshape(len(rows), len(self._numeric)),
            texts.reshape(len(rows), len(self._text)),
        )


def concatenate(parts: Sequence[Columns]) -> Columns:
    """The rows of all parts, in order."""
    return Columns(np.concatenate([part.numbers for part in parts]), np.concatenate([part.texts for part in parts]))
