"""The strongest reasons of n rows, in decimals that add up exactly."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DECIMALS = 8
"""Digits behind the point of every contribution that is shown."""

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


class StrongestOfOne(NamedTuple):
    """The same of one row, as plain values."""

    players: list[int]
    contributions: list[float]
    others: float
    base: float
    total: float


def strongest_of_one(contributions: Sequence[float], base: float, count: int) -> StrongestOfOne:
    """The strongest reasons of one row, from its contributions by player: for so few, plain Python is faster.

    The same doubles as `strongest` gives: both add integers.
    """
    units = [round(contribution * _SCALE) for contribution in contributions]
    sizes = list(map(abs, units))
    order = sorted(range(len(units)), key=sizes.__getitem__, reverse=True)[:count]
    shown = [units[player] for player in order]
    summed, base_units = sum(units), round(base * _SCALE)
    return StrongestOfOne(
        players=order,
        contributions=[unit / _SCALE for unit in shown],
        others=(summed - sum(shown)) / _SCALE,
        base=base_units / _SCALE,
        total=(base_units + summed) / _SCALE,
    )


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
