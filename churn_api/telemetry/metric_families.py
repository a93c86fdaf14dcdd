"""The metric families: their names and labels. docs/operations.md explains them to operators."""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np
import prometheus_client
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from churn_api.config import metrics_group
from churn_api.telemetry import mmap_values
from churn_api.telemetry.multiprocess_dir import is_own

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
INFERENCE_SECONDS = (5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0)
BYTES = tuple(float(1 << power) for power in range(8, 25, 2))
PROBABILITIES = tuple(step / 20 for step in range(1, 21))
ROWS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 10_000.0, 100_000.0)
_FINEST = float(1 << 24)

Family = TypeVar("Family", bound="Counter | Gauge | Histogram")
Step = tuple[Any, float]
"""A value of a metric, and the amount to add to it."""
Add = Callable[[Iterable[Step]], None]


def add_one_by_one(steps: Iterable[Step]) -> None:
    """Add to each value separately."""
    for value, amount in steps:
        value.inc(amount)


class Histogram(prometheus_client.Histogram):
    """A histogram that can observe many values at once, and whose sums are exact.

    Sums of doubles depend on the order of additions, and Prometheus takes a sum that is smaller in its last digit for a
    counter reset. Amounts are therefore rounded to multiples of 2^-24, whose sums are exact.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = np.array(self._upper_bounds)

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Observe one value."""
        add_one_by_one(self.steps(amount))

    def steps(self, amount: float) -> tuple[Step, Step]:
        """The steps that observe one value."""
        bucket = self._buckets[bisect_left(self._upper_bounds, amount)]
        return (self._sum, round(amount * _FINEST) / _FINEST), (bucket, 1)

    def steps_of_many(self, amounts: NDArray[np.float64]) -> list[Step]:
        """The steps that observe many values, at most one per bucket."""
        counts = np.bincount(np.searchsorted(self._bounds, amounts)).tolist()
        buckets = [(bucket, count) for bucket, count in zip(self._buckets, counts, strict=False) if count]
        return [(self._sum, round(float(amounts.sum()) * _FINEST) / _FINEST), *buckets]


class _Single:
    """A metric with one value: without labels, or one child of a labelled family."""

    _value: Any

    def step(self, amount: float = 1) -> Step:
        """The step that adds to it."""
        return self._value, amount


class Counter(_Single, prometheus_client.Counter):
    """A counter that can be updated together with other metrics."""


class Gauge(_Single, prometheus_client.Gauge):
    """A gauge that can be updated together with other metrics."""


class Children(dict[Any, Family], Generic[Family]):
    """A cache of a family's children by labels: prometheus_client's own look-up costs as much as counting."""

    def __init__(self, family: Family) -> None:
        super().__init__()
        self._family = family

    def __missing__(self, labels: Any) -> Family:
        child = cast("Family", self._family.labels(*(labels if isinstance(labels, tuple) else (labels,))))
        self[labels] = child
        return child


class Families:
    """All families that are counted. Values that are read at scrape time are in queue_metrics.py and processes.py."""

    def __init__(self, registry: CollectorRegistry, add: Add = add_one_by_one) -> None:
        self.registry = registry
        self.add = add
        """Applies steps; many at once cost little more than one."""
        model = ("model", "version")
        self.requests = self._counter("http_requests", "Requests answered.", ("method", "route", "status", "protocol"))
        self.seconds = self._histogram("http_request_duration_seconds", "Time to the last byte.", ("route",), SECONDS)
        self.in_flight = self._gauge("http_requests_in_flight", "Requests in progress.", (), "livesum")
        self.received = self._histogram("http_request_size_bytes", "Declared length of bodies.", (), BYTES)
        self.sent = self._histogram("http_response_size_bytes", "Declared length of responses.", (), BYTES)
        self.predictions = self._counter("model_predictions", "Customers scored.", (*model, "outcome"))
        self.inference = self._histogram("model_inference_seconds", "Time in the model.", model, INFERENCE_SECONDS)
        self.probability = self._histogram("model_probability", "Predicted probabilities.", model, PROBABILITIES)
        self.batch_rows = self._histogram("model_batch_rows", "Customers in a batch.", (), ROWS)
        self.cache = self._counter("churn_cache_lookups", "Single predictions looked up in the cache.", ("result",))
        self.log_lost = self._counter("churn_log_lost", "Answers that could not be logged.", ())
        self.live = self._gauge("model_live_info", "1 for a served version.", model, "livemax")
        self.generation = self._gauge("model_generation", "Changes of a model's live version.", ("model",), "livemax")
        self.load_failures = self._counter("model_load_failures", "Failed attempts to load a version.", ("model",))
        self.limited = self._counter("rate_limited", "Requests above a rate limit.", ("limit",))
        self.login_failures = self._counter("login_failures", "Requests with invalid credentials.", ("reason",))
        self.faults = self._counter("validation_failures", "Faults of records.", ("model", "field", "code"))
        self.job_rows = self._counter("churn_job_rows", "Rows that a job worker has scored.", ("outcome",))
        self.job_blocks = self._counter("churn_job_blocks", "Blocks that a job worker has scored.", ())
        self.job_ends = self._counter("churn_jobs_finished", "Jobs that a worker has ended.", ("state", "reason"))
        self.started = self._gauge("process_start_time_seconds", "Start time of a process.", ("role",), "liveall")

    def begin(self, role: str) -> None:
        """Include this process in the metrics of processes."""
        self.started.labels(role).set(time.time())

    def _counter(self, name: str, help_text: str, labels: Sequence[str]) -> Counter:
        return Counter(f"{name}_total", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, labels: Sequence[str], mode: Any) -> Gauge:
        return Gauge(name, help_text, labels, registry=self.registry, multiprocess_mode=mode)

    def _histogram(self, name: str, help_text: str, labels: Sequence[str], buckets: Sequence[float]) -> Histogram:
        return Histogram(name, help_text, labels, registry=self.registry, buckets=buckets)


def families() -> Families:
    """New families; in a multiprocess group, the families of the process, whose values are in files."""
    group = metrics_group()
    return Families(CollectorRegistry()) if group is None else _of_process(group)


@cache
def _of_process(group: Path) -> Families:
    if not is_own(group):
        return Families(CollectorRegistry())
    prometheus_client.values.ValueClass = mmap_values.MmapValue
    return Families(CollectorRegistry(), mmap_values.add)
