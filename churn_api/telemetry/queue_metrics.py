"""Metrics of the job queue, read from the database at scrape time, with a cache and a timeout."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

CACHE_SECONDS = 5.0
TIMEOUT_SECONDS = 1.0


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
    """Queries in a separate thread, so that a hanging database delays a scrape by one second and does not fail it."""

    def __init__(self, query: Callable[[], QueueDepth | None]) -> None:
        self._query = query
        self._depth_or_none: QueueDepth | None = None
        self._queried_at = -CACHE_SECONDS
        self._thread: threading.Thread | None = None

    def collect(self) -> Iterator[Metric]:
        """Whether the database answers, and the number of jobs if it does."""
        depth = self._depth()
        yield GaugeMetricFamily("churn_database_up", "Whether the database answers.", value=depth is not None)
        jobs = GaugeMetricFamily("churn_jobs", "Jobs in the database.", labels=("state",))
        oldest = GaugeMetricFamily("churn_jobs_oldest_seconds", "How long the oldest queued job has waited.")
        if depth is not None:
            for state, count in depth.jobs.items():
                jobs.add_metric((state,), count)
            oldest.add_metric((), depth.oldest_seconds)
        yield from (jobs, oldest)

    def _depth(self) -> QueueDepth | None:
        if time.monotonic() - self._queried_at < CACHE_SECONDS:
            return self._depth_or_none
        thread = self._thread
        if thread is None or not thread.is_alive():
            thread = self._thread = threading.Thread(target=self._run, name="queue depth", daemon=True)
            thread.start()
        thread.join(TIMEOUT_SECONDS)
        return None if thread.is_alive() else self._depth_or_none

    def _run(self) -> None:
        self._depth_or_none = None
        self._depth_or_none = self._query()
        self._queried_at = time.monotonic()
