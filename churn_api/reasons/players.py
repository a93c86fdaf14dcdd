"""Players: what a reason can name. A feature is one by itself, or with the others of its group."""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.signature import Signature


class Player(NamedTuple):
    """One feature, or a group of them."""

    name: str
    """The feature's, or the group's."""
    features: tuple[int, ...]
    """Positions in the signature."""


def players_of(signature: Signature) -> tuple[Player, ...]:
    """The players of a signature, in the order of their first features."""
    members: dict[str, list[int]] = {}
    for position, feature in enumerate(signature.features):
        members.setdefault(feature.group or feature.name, []).append(position)
    return tuple(Player(name, tuple(features)) for name, features in members.items())


def contributions_of_one(contributions: Sequence[float], players: tuple[Player, ...]) -> Sequence[float]:
    """The same for one row."""
    if len(players) == len(contributions):
        return contributions
    return [
        contributions[features[0]] if len(features) == 1 else _added([contributions[feature] for feature in features])
        for _, features in players
    ]


def _added(contributions: Sequence[float]) -> float:
    # Newer versions of Python correct what `sum` of floats loses, and the arrays' sum does not.
    return reduce(add, contributions)


def contributions_of_players(contributions: NDArray[np.float64], players: tuple[Player, ...]) -> NDArray[np.float64]:
    """Contributions of n rows by player, shape (n, players), from those by feature, shape (n, features)."""
    if len(players) == contributions.shape[1]:
        return contributions
    # Added one after another: a sum by BLAS may differ in the last digit by the number of rows.
    summed = np.empty((len(contributions), len(players)))
    for column, player in enumerate(players):
        first, *others = player.features
        total = contributions[:, first].copy()
        for feature in others:
            total += contributions[:, feature]
        summed[:, column] = total
    return summed
