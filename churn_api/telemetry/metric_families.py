"""What is counted, under which names. docs/operations.md tells operators what they mean."""

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
"""A number of a family, and what is to be added to it."""
Add = Callable[[Iterable[Step]], None]


def add_one_by_one(steps: Iterable[Step]) -> None:
    """Add to numbers, whatever they are."""
    for value, amount in steps:
        value.inc(amount)


class Histogram(prometheus_client.Histogram):
    """A histogram that takes many values at once, and whose sums are exact.

    Added up in another order, sums of doubles differ in their last digit, and one that is less by that is taken by
    Prometheus for a counter that began anew. Amounts are rounded to 2^-24, of which every sum is exact.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = np.array(self._upper_bounds)

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        """Count one value."""
        add_one_by_one(self.steps(amount))

    def steps(self, amount: float) -> tuple[Step, Step]:
        """What counts one value; its bucket is found by bisection."""
        bucket = self._buckets[bisect_left(self._upper_bounds, amount)]
        return (self._sum, round(amount * _FINEST) / _FINEST), (bucket, 1)

    def steps_of_many(self, amounts: NDArray[np.float64]) -> list[Step]:
        """What counts values, each bucket once."""
        counts = np.bincount(np.searchsorted(self._bounds, amounts)).tolist()
        buckets = [(bucket, count) for bucket, count in zip(self._buckets, counts, strict=False) if count]
        return [(self._sum, round(float(amounts.sum()) * _FINEST) / _FINEST), *buckets]


class _Single:
    """Of one number: no labels, or one child of a family that has some."""

    _value: Any

    def step(self, amount: float = 1) -> Step:
        """What adds to it."""
        return self._value, amount


class Counter(_Single, prometheus_client.Counter):
    """A counter that is added to with others at once."""


class Gauge(_Single, prometheus_client.Gauge):
    """A gauge that is added to with others at once."""


class Children(dict[Any, Family], Generic[Family]):
    """The children of a family by their labels: finding one by prometheus_client costs as much as counting."""

    def __init__(self, family: Family) -> None:
        super().__init__()
        self._family = family

    def __missing__(self, labels: Any) -> Family:
        found = cast("Family", self._family.labels(*(labels if isinstance(labels, tuple) else (labels,))))
        self[labels] = found
        return found


class Families:
    """Every family that is counted here. What is asked for at a scrape is in queue.py and processes.py."""

    def __init__(self, registry: CollectorRegistry, add: Add = add_one_by_one) -> None:
        self.registry = registry
        self.add = add
        """Adds steps: that of many at once costs little more than that of one."""
        model = ("model", "version")
        self.requests = self._counter("http_requests", "Requests answered.", ("method", "route", "status"))
        self.seconds = self._histogram("http_request_duration_seconds", "Time to the last byte.", ("route",), SECONDS)
        self.in_flight = self._gauge("http_requests_in_flight", "Requests that are worked on.", (), "livesum")
        self.received = self._histogram("http_request_size_bytes", "Declared length of bodies.", (), BYTES)
        self.sent = self._histogram("http_response_size_bytes", "Declared length of answers.", (), BYTES)
        self.predictions = self._counter("model_predictions", "Customers scored.", (*model, "outcome"))
        self.inference = self._histogram("model_inference_seconds", "Time in the model.", model, INFERENCE_SECONDS)
        self.probability = self._histogram("model_probability", "Probabilities answered.", model, PROBABILITIES)
        self.batch_rows = self._histogram("model_batch_rows", "Customers of a batch.", (), ROWS)
        self.live = self._gauge("model_live_info", "1 for a version that answers.", model, "livemax")
        self.generation = self._gauge("model_generation", "How often a model was switched.", ("model",), "livemax")
        self.load_failures = self._counter("model_load_failures", "Attempts to load a version in vain.", ("model",))
        self.limited = self._counter("rate_limited", "Requests beyond a limit.", ("limit",))
        self.login_failures = self._counter("login_failures", "Requests whose credentials did not do.", ("reason",))
        self.faults = self._counter("validation_failures", "Faults of records.", ("model", "field", "code"))
        self.job_rows = self._counter("churn_job_rows", "Rows that a job worker has scored.", ("outcome",))
        self.job_blocks = self._counter("churn_job_blocks", "Blocks that a job worker has scored.", ())
        self.job_ends = self._counter("churn_jobs_finished", "Jobs that a worker has ended.", ("state", "reason"))
        self.started = self._gauge("process_start_time_seconds", "When a process began.", ("role",), "liveall")

    def begin(self, role: str) -> None:
        """Have this process appear in what is told of processes."""
        self.started.labels(role).set(time.time())

    def _counter(self, name: str, help_text: str, labels: Sequence[str]) -> Counter:
        return Counter(f"{name}_total", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, labels: Sequence[str], mode: Any) -> Gauge:
        return Gauge(name, help_text, labels, registry=self.registry, multiprocess_mode=mode)

    def _histogram(self, name: str, help_text: str, labels: Sequence[str], buckets: Sequence[float]) -> Histogram:
        return Histogram(name, help_text, labels, registry=self.registry, buckets=buckets)


def families() -> Families:
    """Families of one's own; in a group, where values live in files by their names, those of the process."""
    group = metrics_group()
    return Families(CollectorRegistry()) if group is None else _of_process(group)


@cache
def _of_process(group: Path) -> Families:
    if not is_own(group):
        return Families(CollectorRegistry())
    prometheus_client.values.ValueClass = mmap_values.MmapValue
    return Families(CollectorRegistry(), mmap_values.add)
