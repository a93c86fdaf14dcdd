"""Collects the metrics of a scrape: values counted by this process or its group, and values read at scrape time."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.samples import Sample

from churn_api.config import metrics_group
from churn_api.telemetry import multiprocess, multiprocess_dir
from churn_api.telemetry.metric_families import Families
from churn_api.telemetry.processes import processes
from churn_api.telemetry.queue_metrics import QueueCollector, QueueDepth

STARTED = "process_start_time_seconds"
SET_ONLY = (STARTED, "model_live_info")
"""Gauges to omit when they are 0: of processes that inherited them by a fork, and of versions not served any more."""


class MetricsCollector:
    """A prometheus_client collector of all metrics."""

    def __init__(self, families: Families, depth: Callable[[], QueueDepth | None]) -> None:
        self._families = families
        self._queue = QueueCollector(depth)

    def collect(self) -> Iterator[Metric]:
        """Every metric. Raises Busy."""
        roles: dict[str, str] = {}
        for metric in self._counted():
            metric.samples = [_with_pid(sample) for sample in metric.samples if _is_exposed(metric.name, sample)]
            if metric.name == STARTED:
                roles = {sample.labels["pid"]: sample.labels["role"] for sample in metric.samples}
            yield metric
        yield from processes(roles)
        yield from self._queue.collect()

    def _counted(self) -> Iterable[Metric]:
        group = metrics_group()
        if group is None:
            return self._families.registry.collect()
        if multiprocess_dir.is_own(group):
            return multiprocess.read(group)
        collector = MultiProcessCollector(None, str(group))  # type: ignore[no-untyped-call]
        return cast("Iterable[Metric]", collector.collect())  # type: ignore[no-untyped-call]


def _is_exposed(name: str, sample: Sample) -> bool:
    """False for `_created` samples, which multiprocess files do not have, and for gauges that were never set."""
    return not sample.name.endswith("_created") and (name not in SET_ONLY or bool(sample.value))


def _with_pid(sample: Sample) -> Sample:
    """Add the `pid` label to the start time; multiprocess files add it themselves."""
    if sample.name != STARTED:
        return sample
    return sample._replace(labels={"pid": str(os.getpid()), **sample.labels})


def scrape_registry(families: Families, depth: Callable[[], QueueDepth | None]) -> CollectorRegistry:
    """A registry with all metrics, to be scraped."""
    registry = CollectorRegistry()
    registry.register(MetricsCollector(families, depth))
    return registry
