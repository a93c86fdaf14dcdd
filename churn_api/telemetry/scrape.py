"""What a scrape answers: what was counted, here or in all processes of the group, and what is asked for on the spot."""

from collections.abc import Callable, Iterable, Iterator
from typing import cast

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from churn_api.config import metrics_group
from churn_api.telemetry import folder, multiprocess
from churn_api.telemetry.metrics import Families
from churn_api.telemetry.processes import processes
from churn_api.telemetry.queue import Depth, QueueDepth


class Everything:
    """Collects all that there is to tell."""

    def __init__(self, families: Families, depth: Callable[[], Depth | None]) -> None:
        self._families = families
        self._queue = QueueDepth(depth)

    def collect(self) -> Iterator[Metric]:
        """Every metric. Raises Busy."""
        roles = {}
        for metric in self._counted():
            if metric.name == "process_start_time_seconds":
                metric.samples = [sample for sample in metric.samples if sample.value]
                roles = {sample.labels["pid"]: sample.labels["role"] for sample in metric.samples}
            elif metric.name == "model_live_info":
                # A version that answers no more stays in a worker's file, as 0.
                metric.samples = [sample for sample in metric.samples if sample.value]
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
