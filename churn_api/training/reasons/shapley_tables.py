"""Shapley values of pieces of trees, for every combination of states."""

from collections.abc import Iterator
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def shapley_tables(values: Doubles, weights: Doubles) -> tuple[Doubles, Doubles]:
    """The contribution of each axis in each state, and the mean values, of k pieces of the same shape.

    `values` and `weights` have shape (k, *states): a piece's value in each combination of states, and the share of the
    background in it. Returns arrays of shapes (k, *states, axes) and (k,).

    With the axes of a coalition fixed at their states, the others follow the background. So the value of a coalition is
    a mean over the states of the others, weighted by the background's share in them.
    """
    axes = values.ndim - 1
    tables = np.zeros((*values.shape, axes))
    means = np.empty(len(values))
    for coalition in _coalitions(axes):
        inside = tuple(axis + 1 for axis in coalition)
        outside = tuple(axis + 1 for axis in range(axes) if axis not in coalition)
        shares = weights.sum(axis=inside, keepdims=True)
        value = (values * shares).sum(axis=outside, keepdims=True)
        if not coalition:
            means = value.ravel()
        for axis in range(axes):
            tables[..., axis] += _coefficient(len(coalition), axes, joined=axis in coalition) * value
    return tables, means


def _coalitions(axes: int) -> Iterator[tuple[int, ...]]:
    for size in range(axes + 1):
        yield from combinations(range(axes), size)


def _coefficient(size: int, players: int, *, joined: bool) -> float:
    """The weight of a coalition's value in a player's Shapley value: positive where the player is in the coalition."""
    others = size - 1 if joined else size
    weight = factorial(others) * factorial(players - others - 1) / factorial(players)
    return weight if joined else -weight
