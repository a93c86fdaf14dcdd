"""What a scrape answers: what was counted, here or in all processes of the group, and what is asked for on the spot."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from churn_api.config import metrics_group
from churn_api.telemetry import folder, multiprocess
from churn_api.telemetry.metrics import Families
from churn_api.telemetry.processes import processes
from churn_api.telemetry.queue import Depth, QueueDepth

STARTED = "process_start_time_seconds"
SET_ONLY = (STARTED, "model_live_info")
"""Gauges that are 0 in the files of processes that inherited them, and of versions that answer no more."""


class Everything:
    """Collects all that there is to tell."""

    def __init__(self, families: Families, depth: Callable[[], Depth | None]) -> None:
        self._families = families
        self._queue = QueueDepth(depth)

    def collect(self) -> Iterator[Metric]:
        """Every metric. Raises Busy."""
        own, roles = str(os.getpid()), {}
        for metric in self._counted():
            if metric.name in SET_ONLY:
                metric.samples = [sample for sample in metric.samples if sample.value]
            if metric.name == STARTED:
                roles = {sample.labels.get("pid", own): sample.labels["role"] for sample in metric.samples}
            yield metric
        yield from processes(roles)
        yield from self._queue.collect()

    def _counted(self) -> Iterable[Metric]:
        group = metrics_group()
        if group is None:
            return self._families.registry.collect()
        if folder.is_own(group):
            return multiprocess.read(group)
        found = MultiProcessCollector(None, str(group))  # type: ignore[no-untyped-call]
        return cast("Iterable[Metric]", found.collect())  # type: ignore[no-untyped-call]


def registry_of(families: Families, depth: Callable[[], Depth | None]) -> CollectorRegistry:
    """A registry that tells everything."""
    registry = CollectorRegistry()
    registry.register(Everything(families, depth))
    return registry
