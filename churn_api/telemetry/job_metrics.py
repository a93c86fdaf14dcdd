"""Metrics of a job worker, and the port that serves them where the worker runs alone."""

import logging
from collections.abc import Callable

from churn_api.telemetry.collector import scrape_registry
from churn_api.telemetry.metric_families import families
from churn_api.telemetry.metrics_server import serve_metrics
from churn_api.telemetry.queue_metrics import QueueDepth

log = logging.getLogger(__name__)


class JobMetrics:
    """Counts a worker's blocks, rows and jobs."""

    def __init__(self) -> None:
        self.families = families()
        self.families.begin("worker")

    def scored(self, rows: int, bad_rows: int) -> None:
        """Count a block and its rows."""
        self.families.job_blocks.inc()
        self.families.job_rows.labels("good").inc(rows - bad_rows)
        self.families.job_rows.labels("bad").inc(bad_rows)

    def ended(self, state: str, reason: str) -> None:
        """Count a finished job."""
        self.families.job_ends.labels(state, reason).inc()


def serve(counts: JobMetrics, depth: Callable[[], QueueDepth | None], host: str, port: int) -> None:
    """Serve the metrics on a separate port."""
    serve_metrics(scrape_registry(counts.families, depth), host, port)
    log.info("metrics are served on %s:%d", host, port)
