"""How much is in the queue, asked of the database at a scrape: seldom, and never waited for long."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

KEPT_SECONDS = 5.0
WAIT_SECONDS = 1.0


class QueueDepth(Protocol):
    """How much is in a queue."""

    @property
    def jobs(self) -> Mapping[Any, int]:
        """By state."""
        ...

    @property
    def oldest_seconds(self) -> float:
        """How long the oldest one waits."""
        ...


class QueueCollector:
    """Asks in a thread of its own, so that a database that hangs costs a scrape a second, and not its answer."""

    def __init__(self, ask: Callable[[], QueueDepth | None]) -> None:
        self._ask = ask
        self._found: QueueDepth | None = None
        self._asked_at = -KEPT_SECONDS
        self._asking: threading.Thread | None = None

    def collect(self) -> Iterator[Metric]:
        """Whether the database answers, and if so what is in the queue."""
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
        if time.monotonic() - self._asked_at < KEPT_SECONDS:
            return self._found
        asking = self._asking
        if asking is None or not asking.is_alive():
            asking = self._asking = threading.Thread(target=self._look, name="queue depth", daemon=True)
            asking.start()
        asking.join(WAIT_SECONDS)
        return None if asking.is_alive() else self._found

    def _look(self) -> None:
        self._found = None
        self._found = self._ask()
        self._asked_at = time.monotonic()
