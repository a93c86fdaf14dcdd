"""The strongest reasons of n rows, in decimals that add up exactly."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DECIMALS = 8
"""Digits behind the point of every contribution that is shown."""
MAX_REASONS = 20

_SCALE = 10**DECIMALS


class Strongest(NamedTuple):
    """The k strongest reasons of n rows. A row's base, contributions and others add up to its total, as decimals."""

    players: NDArray[np.intp]
    """Shape (n, k): positions of players, strongest first; of equal ones the earlier first."""
    contributions: NDArray[np.float64]
    """Shape (n, k)."""
    others: NDArray[np.float64]
    """Shape (n,): the sum of the contributions of all other players."""
    base: float
    """The mean over the background."""
    totals: NDArray[np.float64]
    """Shape (n,): the log-odds of the answer, or its probability, by the scale of the contributions."""


def strongest(contributions: NDArray[np.float64], base: float, count: int) -> Strongest:
    """The strongest reasons from contributions of shape (n, players); `count` is at least 1."""
    units = np.rint(contributions * _SCALE)
    order = np.argsort(-np.abs(units), axis=1, kind="stable")[:, :count]
    shown = np.take_along_axis(units, order, axis=1)
    summed = units.sum(axis=1)
    base_units = float(np.rint(base * _SCALE))
    return Strongest(
        players=order,
        contributions=shown / _SCALE,
        others=(summed - shown.sum(axis=1)) / _SCALE,
        base=base_units / _SCALE,
        totals=(base_units + summed) / _SCALE,
    )
