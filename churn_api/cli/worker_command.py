"""`churn-api worker`: run the jobs of the queue."""

import logging
import os
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import click

from churn_api.cli.command_helpers import load_settings_or_refuse, open_services, refuse
from churn_api.config import StartError
from churn_api.server.thread_limits import limit_threads
from churn_api.services import Services
from churn_api.state_paths import metrics_dir
from churn_api.store import schema
from churn_api.store.database import Database
from churn_api.store.database_errors import DatabaseAway, DatabaseUnusable
from churn_api.telemetry import logs, multiprocess_dir

if TYPE_CHECKING:
    from churn_api.telemetry.job_metrics import JobMetrics

RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)

EXAMPLES = """
\b
Examples:
  churn-api worker
  CHURN_JOB_PROCESSES=4 churn-api worker
  churn-api worker --respawn               (restarts it whenever it dies)

\b
SIGTERM stops it after the current block; the next worker continues the job.
"""


@click.command(epilog=EXAMPLES)
@click.option("--respawn", is_flag=True, help="Supervise a worker, and restart it when it dies.")
@click.option("--parent", type=int, hidden=True, help="Process id: stop when this process ends. [default: the parent]")
@click.option("--delay", type=float, default=0.0, hidden=True, help="Seconds to wait first.")
def worker(respawn: bool, parent: int | None, delay: float) -> None:
    """Run the jobs of the queue, one after another. Any number of workers may run, on any machine."""
    time.sleep(delay)
    logs.configure(load_settings_or_refuse())
    from churn_api.server.supervisor import stop_with_parent, supervise_worker

    if respawn:
        supervise_worker(os.getppid() if parent is None else parent)
        return
    limit_threads()
    from churn_api.tables.arrow_memory import reduce_arrow_memory

    reduce_arrow_memory()
    # Before prometheus_client is imported: at its import it decides where values are stored.
    try:
        job_metrics = _start_metrics()
    except StartError as error:
        refuse(str(error))
    if parent is not None:
        stop_with_parent(parent)
    with open_services(checked=False) as services:
        _wait_for_schema(services.database)
        try:
            job_worker = services.jobs.worker(job_metrics)
            maintained = services.monitoring.log_maintenance.in_background(services.monitoring.prediction_log)
            measured = services.monitoring.quality_update.in_background()
        except StartError as error:
            refuse(str(error))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: job_worker.stop())
        with maintained, measured:
            job_worker.run()


def _wait_for_schema(database: Database) -> None:
    """Wait until the database can be reached. Raises SchemaError, or DatabaseUnusable."""
    warned = False
    while True:
        try:
            return schema.check(database)
        except DatabaseUnusable:
            raise
        except DatabaseAway as error:
            if not warned:
                log.warning("the database %s at the start (%s); the worker waits for it", error.state, error)
            warned = True
            time.sleep(RETRY_SECONDS)


def _start_metrics() -> "JobMetrics":
    """Join the metrics of the gunicorn that started this worker; a worker on its own serves its metrics itself."""
    settings = load_settings_or_refuse()
    joined = multiprocess_dir.join()
    if joined is None:
        multiprocess_dir.begin(metrics_dir(settings))

    from churn_api.server.sidecar import start_sidecar
    from churn_api.telemetry.job_metrics import JobMetrics, serve

    job_metrics = JobMetrics()
    if joined is None and settings["METRICS_PORT"]:
        depth = Services(settings).jobs.depth_or_none
        start_sidecar(partial(serve, job_metrics, depth, settings["METRICS_HOST"], settings["METRICS_PORT"]))
    return job_metrics
