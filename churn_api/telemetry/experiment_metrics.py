"""Metrics of experiments, read from the database at scrape time: one experiment a model, the latest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from churn_api.telemetry.background_query import BackgroundQuery

CACHE_SECONDS = 30.0
_MODEL = ("model",)


class ObservedExperiment(NamedTuple):
    """The latest experiment of a model."""

    model: str
    challenger: str
    mode: str
    running: bool
    rule: str | None
    """The rule that has stopped it."""
    records: Mapping[str, int]
    """Records answered, or scored by a shadow, by version: `live` or `challenger`."""
    errors: int
    too_slow: int
    mean_difference: float | None
    outcomes: int
    differences: Mapping[str, tuple[float, float, float]]
    """By measure: the difference of both versions, and its lower and upper bound."""
    better: str | None


class ExperimentCollector:
    """Collects the experiments that run, or ended lately."""

    def __init__(self, query: Callable[[], Sequence[ObservedExperiment] | None]) -> None:
        self._experiments = BackgroundQuery("experiments", query, CACHE_SECONDS)

    def collect(self) -> Iterator[Metric]:
        """The metrics; without samples while the database is away."""
        running = _gauge("running", "1 while the experiment runs, 0 for a day after it.", "challenger", "mode")
        stopped = _gauge("stopped_by_rule", "1 for a day after a rule has stopped a canary.", "challenger", "rule")
        records = _gauge("records", "Records answered, or scored by a shadow.", "version")
        errors = _gauge("errors", "Failures of the challenger.")
        too_slow = _gauge("too_slow", "Requests that a shadow has skipped.")
        distance = _gauge("mean_difference", "Of the probabilities of both versions, without sign.")
        outcomes = _gauge("outcomes", "Mature outcomes that count.")
        difference = _gauge("difference", "Live version minus challenger; less is better.", "measure", "bound")
        better = _gauge("better", "1 for the version that outcomes have decided for.", "version")
        for one in self._experiments.latest() or ():
            running.add_metric((one.model, one.challenger, one.mode), one.running)
            if one.rule is not None:
                stopped.add_metric((one.model, one.challenger, one.rule), 1)
            for version, count in one.records.items():
                records.add_metric((one.model, version), count)
            errors.add_metric((one.model,), one.errors)
            too_slow.add_metric((one.model,), one.too_slow)
            if one.mean_difference is not None:
                distance.add_metric((one.model,), one.mean_difference)
            outcomes.add_metric((one.model,), one.outcomes)
            for measure, bounds in one.differences.items():
                for bound, value in zip(("mean", "low", "high"), bounds, strict=True):
                    difference.add_metric((one.model, measure, bound), value)
            if one.better is not None:
                better.add_metric((one.model, one.better), 1)
        yield from (running, stopped, records, errors, too_slow, distance, outcomes, difference, better)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"churn_experiment_{name}", text, labels=(*_MODEL, *labels))
