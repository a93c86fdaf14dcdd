"""Writes the reasons of predictions: which features, with which values, how much, and in words."""

from typing import Any, NamedTuple

import msgspec
import numpy as np

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.reasons.catalogue import catalogues
from churn_api.reasons.fact_cache import FactCache
from churn_api.reasons.players import contributions_of_one, contributions_of_players, players_of
from churn_api.reasons.strongest import Strongest, strongest, strongest_of_one
from churn_api.scoring.explanation import Explanation, to_probabilities, to_probability

_POINT_DECIMALS = 2


class Reason(msgspec.Struct, gc=False):
    """One reason of one prediction. Not frozen: creating a frozen one takes twice the time."""

    feature: str
    """The name of a feature, or of a group."""
    value: Any
    """As JSON has it; of a group, an object of its features' values."""
    contribution: float
    """What it adds to the score, on the scale of the explanation."""
    points: float
    """Percentage points that the probability would lack without the contribution. They do not add up."""
    text: str


class Reasons(NamedTuple):
    """The strongest reasons of one prediction. The base, their contributions and the others add up to the score."""

    reasons: list[Reason]
    others: float
    score: float
    base: float


class ReasonWriter:
    """Writes reasons under one signature. Safe to share between threads."""

    def __init__(self, signature: Signature) -> None:
        self._players = players_of(signature)
        self.player_names = [player.name for player in self._players]
        """What a position in `Strongest.players` stands for: the name of a feature, or of a group."""
        self._facts = {language: FactCache(signature, self._players, words) for language, words in catalogues().items()}

    def strongest(self, explanation: Explanation, count: int) -> Strongest:
        """The positions and contributions of the strongest reasons of n rows."""
        by_player = contributions_of_players(explanation.contributions, self._players)
        return strongest(by_player, explanation.base, count)

    def write(self, explanation: Explanation, found: Strongest, columns: Columns, language: str) -> list[Reasons]:
        """The reasons of n rows in words."""
        names, fact = self.player_names, self._facts[language].of(columns)
        rows = zip(
            found.players.tolist(),
            found.contributions.tolist(),
            _points(explanation, found),
            found.others.tolist(),
            found.totals.tolist(),
            strict=True,
        )
        return [
            Reasons(
                [
                    Reason(names[player], value, contribution, point, text)
                    for player, contribution, point in zip(players, contributions, points, strict=True)
                    for value, text in (fact(row, player, contribution),)
                ],
                others,
                score,
                found.base,
            )
            for row, (players, contributions, points, others, score) in enumerate(rows)
        ]

    def write_one(self, explanation: Explanation, count: int, columns: Columns, language: str) -> Reasons:
        """The strongest reasons of one row in words: what `strongest` and `write` give, in less time."""
        (probability,), (contributions,) = explanation.probabilities.tolist(), explanation.contributions.tolist()
        found = strongest_of_one(contributions_of_one(contributions, self._players), explanation.base, count)
        fact = self._facts[language].of(columns)
        reasons = []
        for player, contribution in zip(found.players, found.contributions, strict=True):
            without = to_probability(found.total - contribution, explanation.scale)
            points = round(100 * (probability - without), _POINT_DECIMALS)
            value, text = fact(0, player, contribution)
            reasons.append(Reason(self.player_names[player], value, contribution, points, text))
        return Reasons(reasons, found.others, found.total, found.base)


def _points(explanation: Explanation, found: Strongest) -> list[list[float]]:
    without = to_probabilities(found.totals[:, None] - found.contributions, explanation.scale)
    points: list[list[float]] = np.round(100 * (explanation.probabilities[:, None] - without), _POINT_DECIMALS).tolist()
    return points
