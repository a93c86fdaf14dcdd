"""Metrics of the job queue, read from the database at scrape time."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from churn_api.telemetry.background_query import BackgroundQuery

CACHE_SECONDS = 5.0


class QueueDepth(Protocol):
    """Number of jobs in a queue."""

    @property
    def jobs(self) -> Mapping[Any, int]:
        """Number by state."""
        ...

    @property
    def oldest_seconds(self) -> float:
        """How long the oldest queued job has waited."""
        ...


class QueueCollector:
    """Collects whether the database answers, and the number of jobs if it does."""

    def __init__(self, query: Callable[[], QueueDepth | None]) -> None:
        self._depth = BackgroundQuery("queue depth", query, CACHE_SECONDS)

    def collect(self) -> Iterator[Metric]:
        """The metrics."""
        depth = self._depth.result()
        yield GaugeMetricFamily("churn_database_up", "Whether the database answers.", value=depth is not None)
        jobs = GaugeMetricFamily("churn_jobs", "Jobs in the database.", labels=("state",))
        oldest = GaugeMetricFamily("churn_jobs_oldest_seconds", "How long the oldest queued job has waited.")
        if depth is not None:
            for state, count in depth.jobs.items():
                jobs.add_metric((state,), count)
            oldest.add_metric((), depth.oldest_seconds)
        yield from (jobs, oldest)
