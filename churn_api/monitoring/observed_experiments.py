"""The latest experiment of each model, for the metrics."""

from datetime import UTC, datetime, timedelta

from churn_api.monitoring.experiment_counter import read_counts
from churn_api.monitoring.experiment_days import read_sums
from churn_api.monitoring.experiment_verdict import verdict
from churn_api.registry.experiment import Experiment
from churn_api.registry.experiment_catalog import ExperimentCatalog
from churn_api.store.database import Database
from churn_api.telemetry.experiment_metrics import ObservedExperiment

SHOWN_AFTER_END = timedelta(days=1)
_MOST = 100
"""Of all models, so that the metrics are bounded."""


def observed_experiments(database: Database) -> list[ObservedExperiment]:
    """Those that run, or ended within a day. Raises DatabaseAway."""
    since = datetime.now(UTC) - SHOWN_AFTER_END
    latest: dict[str, Experiment] = {}
    for one in ExperimentCatalog(database).list(_MOST):
        if one.stopped_at is None or one.stopped_at >= since:
            latest.setdefault(one.model, one)
    return [_observed(database, one) for one in latest.values()]


def _observed(database: Database, experiment: Experiment) -> ObservedExperiment:
    counts, found = read_counts(database, experiment.id), verdict(experiment.mode, read_sums(database, experiment.id))
    intervals = {measure: one for measure, one in found.intervals.items() if one is not None}
    return ObservedExperiment(
        experiment.model,
        experiment.challenger,
        experiment.mode,
        experiment.running,
        (experiment.evidence or {}).get("rule"),
        dict(zip(("live", "challenger"), counts.answered, strict=True)),
        counts.errors,
        counts.too_slow,
        counts.difference,
        found.outcomes,
        {measure: (one.difference, one.low, one.high) for measure, one in intervals.items()},
        found.better,
    )
