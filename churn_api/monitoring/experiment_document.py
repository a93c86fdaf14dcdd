"""An experiment as JSON has it, for the API and the command line."""

from typing import Any

from churn_api.monitoring.confidence_sequence import ALPHA, Interval
from churn_api.monitoring.experiment_counter import read_counts
from churn_api.monitoring.experiment_counts import ExperimentCounts
from churn_api.monitoring.experiment_days import read_sums
from churn_api.monitoring.experiment_verdict import MEASURES, Measure, Verdict, better_by, needed_outcomes, verdict
from churn_api.registry.experiment import PARTS, Experiment
from churn_api.store.database import Database

_NAMES: dict[Measure, str] = {"brier": "Brier score", "log_loss": "log loss", "left": "share of customers who left"}


def experiment_document(database: Database, experiment: Experiment) -> dict[str, Any]:
    """An experiment, what was counted, and the verdict so far. Raises DatabaseAway."""
    return experiment_summary(experiment) | {
        "counts": _counts(read_counts(database, experiment.id)),
        "verdict": _verdict(experiment, verdict(experiment.mode, read_sums(database, experiment.id))),
    }


def experiment_summary(experiment: Experiment) -> dict[str, Any]:
    """An experiment as it stands in a list."""
    return {
        "id": experiment.id,
        "model_name": experiment.model,
        "live_version": experiment.champion,
        "challenger": experiment.challenger,
        "mode": experiment.mode,
        "share": experiment.share / PARTS,
        "state": "running" if experiment.running else "stopped",
        "started_at": experiment.started_at,
        "started_by": experiment.started_by,
        "stopped_at": experiment.stopped_at,
        "stopped_by": experiment.stopped_by,
        "reason": experiment.reason,
        "evidence": experiment.evidence,
        "result": experiment.result,
    }


def _counts(counts: ExperimentCounts) -> dict[str, Any]:
    (live, challenger), (live_p95, challenger_p95) = counts.answered, counts.p95_seconds
    return {
        "live": live,
        "challenger": challenger,
        "errors": counts.errors,
        "too_slow": counts.too_slow,
        "compared": counts.pairs,
        "mean_difference": counts.difference,
        "live_p95_ms": _milliseconds(live_p95),
        "challenger_p95_ms": _milliseconds(challenger_p95),
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 4)


def _verdict(experiment: Experiment, result: Verdict) -> dict[str, Any]:
    return {
        "state": result.state,
        "better": result.better,
        "text": in_words(experiment, result),
        "confidence": 1 - ALPHA,
        "outcomes": result.outcomes,
        "measures": [{"measure": measure} | _interval(interval) for measure, interval in result.intervals.items()],
    }


def _interval(interval: Interval | None) -> dict[str, Any]:
    if interval is None:
        return {"difference": None, "low": None, "high": None, "outcomes": None, "better": None}
    return {
        "difference": interval.difference,
        "low": interval.low,
        "high": interval.high,
        "outcomes": interval.outcomes,
        "better": better_by(interval),
    }


def in_words(experiment: Experiment, result: Verdict) -> str:
    """The verdict and its evidence in a sentence."""
    measure = MEASURES[experiment.mode][0]
    interval = result.intervals[measure]
    if interval is None:
        return f"{result.outcomes:,} outcomes are too few: {needed_outcomes(experiment.mode)} are needed."
    lower, better = abs(interval.difference), result.better or ("challenger" if interval.difference > 0 else "live")
    version = experiment.challenger if better == "challenger" else experiment.champion
    bounds = sorted((abs(interval.low), abs(interval.high)))
    after = f"after {interval.outcomes:,} outcomes"
    if result.better is None:
        return (
            f"Undecided {after}: the {_NAMES[measure]} of version {version} is {lower:.4f} lower, "
            f"which chance may explain (the difference is between {interval.low:.4f} and {interval.high:.4f})."
        )
    return (
        f"Version {version} is better: its {_NAMES[measure]} is {lower:.4f} lower "
        f"(between {bounds[0]:.4f} and {bounds[1]:.4f}) {after}."
    )
