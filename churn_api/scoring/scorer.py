"""The interface of scorers."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns


class Scorer(Protocol):
    """Turns columns into probabilities of churn."""

    def score(self, columns: Columns) -> NDArray[np.float64]:
        """Probabilities of the target's positive label: shape (n,), float64, in [0, 1]; n is at least 1."""
        ...


def in_blocks(score: Callable[[Columns], NDArray[np.float64]], columns: Columns, rows: int) -> NDArray[np.float64]:
    """Apply a scoring function to columns in blocks of at most `rows` rows; returns probabilities of shape (n,)."""
    if columns.rows <= rows:
        return score(columns)
    return np.concatenate([score(block) for block in columns.blocks(rows)])
