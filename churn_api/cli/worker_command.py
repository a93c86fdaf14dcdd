"""Work on jobs."""

import logging
import os
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import click

from churn_api.cli.command_helpers import load_settings_or_refuse, open_services, refuse
from churn_api.config import StartError, metrics_dir
from churn_api.server.thread_limits import limit_threads
from churn_api.services import Services
from churn_api.store import schema
from churn_api.store.database import Database
from churn_api.store.database_errors import DatabaseAway, DatabaseUnusable
from churn_api.telemetry import logs, multiprocess_dir

if TYPE_CHECKING:
    from churn_api.telemetry.job_metrics import JobMetrics

AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)

EXAMPLES = """
\b
Examples:
  churn-api worker
  CHURN_JOB_PROCESSES=4 churn-api worker
  churn-api worker --respawn               (starts it again whenever it dies)

\b
SIGTERM ends it after the block at hand; the job goes on with the next worker.
"""


@click.command(epilog=EXAMPLES)
@click.option("--respawn", is_flag=True, help="Supervise a worker: start another when it dies.")
@click.option("--parent", type=int, hidden=True, help="Process to end with; the one that started this, where not said.")
@click.option("--delay", type=float, default=0.0, hidden=True, help="Seconds to wait first.")
def worker(respawn: bool, parent: int | None, delay: float) -> None:
    """Work on the jobs of the queue, one after another. Start as many as you like, on any machine."""
    time.sleep(delay)
    logs.configure(load_settings_or_refuse())
    from churn_api.server.supervisor import stop_with_parent, supervise_worker

    if respawn:
        supervise_worker(os.getppid() if parent is None else parent)
        return
    limit_threads()
    from churn_api.tables.arrow_memory import keep_arrow_small

    keep_arrow_small()
    # Before anything imports prometheus_client, which decides then where values live.
    try:
        observer = _counting()
    except StartError as error:
        refuse(str(error))
    if parent is not None:
        stop_with_parent(parent)
    with open_services(checked=False) as found:
        _wait_for_schema(found.database)
        try:
            working = found.worker(observer)
        except StartError as error:
            refuse(str(error))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: working.stop())
        working.run()


def _wait_for_schema(database: Database) -> None:
    """Wait until the database answers: work would wait for it too. Raises SchemaError, or DatabaseUnusable."""
    waits = False
    while True:
        try:
            return schema.check(database)
        except DatabaseUnusable:
            raise
        except DatabaseAway as error:
            if not waits:
                log.warning("the database %s at the start (%s); the worker waits for it", error.state, error)
            waits = True
            time.sleep(AGAIN_SECONDS)


def _counting() -> "JobMetrics":
    """Count with the gunicorn that started this, or in a group of one's own that serves its metrics itself."""
    settings = load_settings_or_refuse()
    joined = multiprocess_dir.join()
    if joined is None:
        multiprocess_dir.begin(metrics_dir(settings))

    from churn_api.server.sidecar import start_sidecar
    from churn_api.telemetry.job_metrics import JobMetrics, serve

    counts = JobMetrics()
    if joined is None and settings["METRICS_PORT"]:
        depth = Services(settings).depth_or_none
        start_sidecar(partial(serve, counts, depth, settings["METRICS_HOST"], settings["METRICS_PORT"]))
    return counts
