"""Metrics of the server's processes: master, workers, and the sidecar that serves the metrics of all."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from churn_api.server.arbiter import after_children
from churn_api.server.privileges import become
from churn_api.server.sidecar import start_sidecar
from churn_api.telemetry.multiprocess import compact as compact_files
from churn_api.web.core.app_metrics import metrics_of, serve
from churn_api.web.core.flask_app import Api


def begin_in_master(server: Any, settings: Mapping[str, Any]) -> None:
    """Include the master in the metrics, and serve them from a sidecar where METRICS_PORT is set."""
    app = server.app.wsgi()
    metrics_of(app).start_process("master")
    if settings["METRICS_PORT"]:
        close = partial(_close_listeners, server)
        _keep_sidecar(server, partial(serve, app, settings["METRICS_HOST"], settings["METRICS_PORT"], close))


def _keep_sidecar(server: Any, begin: Callable[[], None]) -> None:
    """Start a sidecar, and restart it where its supervisor is killed."""
    supervisor = start_sidecar(begin)

    def restart_if_ended() -> None:
        nonlocal supervisor
        if not psutil.pid_exists(supervisor):
            server.log.error("the supervisor of the metrics sidecar has ended; it is restarted")
            supervisor = start_sidecar(begin)

    after_children(server, restart_if_ended)


def begin_in_worker(app: Api) -> None:
    """Include a forked worker in the metrics."""
    metrics_of(app).start_process()


def compact(server: Any, worker: Any, folder: Path) -> None:
    """Compact the metric files of an ended worker, so that files do not accumulate."""
    try:
        compact_files(folder)
    except Exception as error:  # noqa: BLE001
        # An exception here would end the server. A scrape may be compacting the same files.
        server.log.warning("metrics of worker %s are compacted later (%s)", worker.pid, error)


def _close_listeners(server: Any) -> None:
    """In the sidecar, close the listening sockets of the workers, and switch to their user."""
    for listener in server.LISTENERS:
        listener.close()
    become(server.cfg)
