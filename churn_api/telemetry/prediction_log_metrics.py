"""Metrics of the prediction log's folder, read at scrape time."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from churn_api.telemetry.background_query import BackgroundQuery

CACHE_SECONDS = 5.0


class LogState(NamedTuple):
    """What a folder of the log has that is not compacted, and when it was last maintained."""

    waiting_bytes: int
    oldest_seconds: float
    maintained_at: float | None
    """Seconds since 1970; None where it never was."""


class PredictionLogCollector:
    """Collects the state of the log's folder."""

    def __init__(self, query: Callable[[], LogState | None]) -> None:
        self._state = BackgroundQuery("prediction log", query, CACHE_SECONDS)

    def collect(self) -> Iterator[Metric]:
        """The metrics; without samples where the folder cannot be read in time."""
        waiting = GaugeMetricFamily("churn_log_waiting_bytes", "Bytes of predictions that are not compacted yet.")
        oldest = GaugeMetricFamily("churn_log_oldest_seconds", "How long the oldest of them has waited.")
        compacted = GaugeMetricFamily("churn_log_compacted_timestamp_seconds", "When the log was last compacted.")
        state = self._state.result()
        if state is not None:
            waiting.add_metric((), state.waiting_bytes)
            oldest.add_metric((), state.oldest_seconds)
            if state.maintained_at is not None:
                compacted.add_metric((), state.maintained_at)
        yield from (waiting, oldest, compacted)
