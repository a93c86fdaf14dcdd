"""The rules that stop a canary: its challenger fails, is slow, or says something else than it should."""

from collections.abc import Callable
from typing import Any, NamedTuple

from churn_api.monitoring.drift import DriftState
from churn_api.monitoring.experiment_counts import ExperimentCounts
from churn_api.monitoring.watch import score_drift
from churn_api.monitoring.windows import MIN_ROWS
from churn_api.registry.card import Card

MIN_ERRORS, ERROR_SHARE = 3, 0.01
SLOWER, SLOWER_SECONDS = 2.0, 0.001
"""How many times as long as the live version a challenger may take, if it is also so much slower: of models that score
in microseconds one may take three times as long, and no one notices."""
MAX_DIFFERENCE = 0.1


class BrokenRule(NamedTuple):
    """Why a canary must stop."""

    rule: str
    words: str
    evidence: dict[str, Any]


def broken_rule(counts: ExperimentCounts, live: Card, challenger: Card) -> BrokenRule | None:
    """The first rule that is broken; None where all are kept, or where too little was counted to say so."""
    return next(filter(None, (rule(counts, live, challenger) for rule in _RULES)), None)


def _errors(counts: ExperimentCounts, live: Card, challenger: Card) -> BrokenRule | None:
    answered, errors = counts.answered[1], counts.errors
    if errors < MIN_ERRORS or errors <= ERROR_SHARE * (answered + errors):
        return None
    return BrokenRule("errors", f"the challenger failed {errors} times", {"errors": errors, "answered": answered})


def _slower(counts: ExperimentCounts, live: Card, challenger: Card) -> BrokenRule | None:
    (before, after), runs = counts.p95_seconds, counts.runs
    if runs < MIN_ROWS or before is None or after is None:
        return None
    if after <= SLOWER * before or after - before < SLOWER_SECONDS:
        return None
    times = f"{after * 1000:.1f} ms, and {before * 1000:.1f} ms by the live version (95th percentiles)"
    words = f"scoring takes {times}"
    return BrokenRule("slower", words, {"p95_seconds": after, "live_p95_seconds": before, "runs": runs})


def _difference(counts: ExperimentCounts, live: Card, challenger: Card) -> BrokenRule | None:
    difference = counts.difference
    if counts.pairs < MIN_ROWS or difference is None or difference <= MAX_DIFFERENCE:
        return None
    words = f"the probabilities of both versions differ by {difference:.2f} on average"
    return BrokenRule("difference", words, {"mean_difference": difference, "records": counts.pairs})


def _drift(counts: ExperimentCounts, live: Card, challenger: Card) -> BrokenRule | None:
    """The challenger's probabilities are not those of its evaluation, while the live version's are: it is not the
    customers who have changed.
    """
    if counts.pairs < MIN_ROWS or challenger.baseline is None or live.baseline is None:
        return None
    before, after = counts.scores
    drift = score_drift(challenger.baseline, after)
    if drift.state != DriftState.drifted or score_drift(live.baseline, before).state == DriftState.drifted:
        return None
    words = f"the challenger's probabilities are not those of its evaluation (PSI {drift.psi:.2f})"
    evidence = {"psi": drift.psi, "chi_square": drift.statistic, "records": counts.pairs}
    return BrokenRule("drift", words, evidence)


_RULES: tuple[Callable[[ExperimentCounts, Card, Card], BrokenRule | None], ...] = (
    _errors,
    _slower,
    _difference,
    _drift,
)
RULES = ("errors", "slower", "difference", "drift")
