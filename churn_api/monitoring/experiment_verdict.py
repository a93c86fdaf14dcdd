"""What outcomes say of an experiment so far: which version is better, and how sure that is."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.monitoring.confidence_sequence import (
    MIN_GROUP,
    MIN_OUTCOMES,
    NOTHING,
    Interval,
    Sums,
    group_interval,
    paired_interval,
)
from churn_api.registry.experiment import Mode
from churn_api.registry.variants import CHALLENGER, CONTROL

Measure = Literal["brier", "log_loss", "left"]
"""Of all the less is better: the Brier score, the log loss, and the share of customers who left."""
Better = Literal["live", "challenger"]
State = Literal["too-few", "undecided", "decided"]

PAIRED = "paired"
"""In place of a variant: differences of both versions' losses for the same record."""
MEASURES: dict[Mode, tuple[Measure, ...]] = {
    "shadow": ("brier", "log_loss"),
    "canary": ("brier", "log_loss", "left"),
    "ab": ("left", "brier", "log_loss"),
}
"""The first decides. Both versions of an A/B test are shown to the people who act on them: what counts is who stays."""
_NEAR_CERTAIN = 1e-6
"""Probabilities are kept so far from 0 and 1 that one customer does not decide the log loss."""

SumsOf = Mapping[tuple[Measure, str], Sums]
"""By measure, and variant or PAIRED."""


class Verdict(NamedTuple):
    """What is known so far."""

    state: State
    better: Better | None
    """By the first measure; None where that is not decided."""
    outcomes: int
    """Mature outcomes that count for the first measure."""
    intervals: dict[Measure, Interval | None]
    """The live version's value minus the challenger's: above 0 the challenger is better. None for too few outcomes."""


def losses(probabilities: NDArray[np.float64], left: NDArray[np.bool_]) -> dict[Measure, NDArray[np.float64]]:
    """The loss of each of n predictions, by measure."""
    inside = np.clip(probabilities, _NEAR_CERTAIN, 1 - _NEAR_CERTAIN)
    return {"brier": (probabilities - left) ** 2, "log_loss": -np.log(np.where(left, inside, 1 - inside))}


def verdict(mode: Mode, sums: SumsOf) -> Verdict:
    """The verdict of an experiment of this mode."""
    measures = MEASURES[mode]
    intervals = {measure: _interval(mode, measure, sums) for measure in measures}
    deciding = intervals[measures[0]]
    outcomes = sum(each.size for (measure, _), each in sums.items() if measure == measures[0])
    if deciding is None:
        return Verdict("too-few", None, outcomes, intervals)
    better = better_by(deciding)
    return Verdict("undecided" if better is None else "decided", better, outcomes, intervals)


def better_by(interval: Interval) -> Better | None:
    """The version that a difference speaks for; None where chance may explain it."""
    if not interval.decided:
        return None
    return "challenger" if interval.difference > 0 else "live"


def needed_outcomes(mode: Mode) -> str:
    """What is needed before anything is said."""
    if mode == "shadow":
        return f"{MIN_OUTCOMES} mature outcomes"
    return f"{MIN_OUTCOMES} mature outcomes, {MIN_GROUP} of each version"


def _interval(mode: Mode, measure: Measure, sums: SumsOf) -> Interval | None:
    if mode == "shadow":
        return paired_interval(sums.get((measure, PAIRED), NOTHING))
    return group_interval(sums.get((measure, CONTROL), NOTHING), sums.get((measure, CHALLENGER), NOTHING))
