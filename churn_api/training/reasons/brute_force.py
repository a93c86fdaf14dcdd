"""Shapley values by their definition: the value of every coalition, from the model's own scores."""

from collections.abc import Callable
from math import factorial

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.training.reasons.reasons_graph import Background

Score = Callable[[Columns], NDArray[np.float64]]
"""From n records to scores of shape (n,)."""


def brute_force(
    score: Score, signature: Signature, record: Columns, background: Background, players: list[int]
) -> NDArray[np.float64]:
    """The contributions of one record's features, shape (features,).

    `players` are the features in which record and background differ; the others contribute nothing. Scores
    2^players * background rows.
    """
    values = _coalition_values(score, signature, record, background, players)
    count = len(players)
    contributions = np.zeros(len(signature.features))
    for coalition in range(1 << count):
        size = coalition.bit_count()
        for at, feature in enumerate(players):
            if not coalition >> at & 1:
                weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                contributions[feature] += weight * (values[coalition | 1 << at] - values[coalition])
    return contributions


def _coalition_values(
    score: Score, signature: Signature, record: Columns, background: Background, players: list[int]
) -> NDArray[np.float64]:
    """The mean score of each coalition: its bits say which players have the record's values."""
    coalitions = 1 << len(players)
    each, rows = np.repeat(np.arange(coalitions), background.columns.rows), background.columns.rows
    mixed = background.columns.take(np.tile(np.arange(rows), coalitions))
    for at, feature in enumerate(players):
        taken = (each >> at & 1).astype(np.bool_)
        block, column = place_of(signature, feature)
        mixed[block][taken, column] = record[block][0, column]
    return np.asarray(score(mixed).reshape(coalitions, rows) @ background.weights)


def place_of(signature: Signature, feature: int) -> tuple[int, int]:
    """Where Columns have a feature: the index of the block, and the column in it."""
    numeric = signature.features[feature].numeric
    return int(not numeric), sum(other.numeric == numeric for other in signature.features[:feature])
