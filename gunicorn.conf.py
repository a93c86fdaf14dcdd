"""gunicorn: sync workers that fork from one loaded application."""

import gc
import os
import signal
import subprocess  # nosec B404 - a fixed command
import sys

# What is loaded from here on stays: looking through it for garbage, again and again, was a sixth of the start.
gc.disable()

# Before anything imports NumPy: thread pools that start in the master stall the workers forked from it.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import logging
from functools import partial
from typing import Any

from churn_api.config import StartError, load_settings, metrics_dir
from churn_api.telemetry import folder, logs
from churn_api.telemetry.traces import spans_to

try:
    settings = load_settings()
    logs.configure(settings)
    # Before anything imports prometheus_client, which decides then where values live. At a HUP it stays the same.
    metrics_group = folder.begin(metrics_dir(settings))

    from churn_api.services import Services

    Services(settings).check()
    spans_to(settings["OTLP_ENDPOINT"])
except StartError as error:
    raise SystemExit(f"churn-api: {error}") from None

host, port = settings["HOST"], settings["PORT"]
on_socket = host.startswith("unix:")
bind = host if on_socket else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
workers = settings["WEB_CONCURRENCY"]
worker_class = "sync"
preload_app = True
# On by default, and a second instance on the machine would take it over.
control_socket_disable = True
# gunicorn's own lines in the form of all others, and none for each request: the application writes that.
logconfig_dict = logs.logging_config(settings)
logger_class = "churn_api.server.gunicorn_log.ServerLog"

companions: list[subprocess.Popen[bytes]] = []
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
os.register_at_fork(after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS))


def when_ready(server: Any) -> None:
    """Say how to try it, and leave to the workers, which fork next, as much as can be shared."""
    from churn_api.server.startup_banner import greeting
    from churn_api.server.warm_up import share_most
    from churn_api.web.core.draining import drain_before_stop

    drain_before_stop(
        server.app.wsgi(),
        lambda: server.signal(signal.SIGTERM, None),
        seconds=settings["DRAIN_SECONDS"],
        socket_path=host.removeprefix("unix:") if on_socket else None,
    )
    said = greeting(server.app.wsgi(), "http://localhost" if on_socket else f"http://{bind}")
    if logs.is_json(settings):
        logs.tell(logging.INFO, said.said, {name.lower().replace(" ", "_"): line for name, line in said.how.items()})
    else:
        print(said.in_words(), flush=True)
    share_most(server.app.wsgi())
    gc.enable()
    # A batch makes thousands of tuples that die by themselves; looking through them was a twentieth of its time.
    gc.set_threshold(50_000)
    begin_metrics(server)
    if settings["JOB_WORKER"]:
        companions.append(subprocess.Popen([sys.executable, "-m", "churn_api.cli", "worker", "--respawn"]))  # nosec B603


def on_reload(server: Any) -> None:
    """Collect garbage again: at a HUP this file is read once more, and workers are forked right after."""
    gc.enable()


def begin_metrics(server: Any) -> None:
    """Count this process too, and serve the metrics beside the workers, which may all be busy."""
    from churn_api.server.sidecar import stay_beside
    from churn_api.web.core.metrics import metrics_of, serve

    app = server.app.wsgi()
    metrics_of(app).begin("master")
    if settings["METRICS_PORT"]:
        stay_beside(partial(serve, app, settings["METRICS_HOST"], settings["METRICS_PORT"], partial(release, server)))


def release(server: Any) -> None:
    """Let go, in a process beside the workers, of the sockets that they take requests from."""
    for listener in server.LISTENERS:
        listener.close()


def child_exit(server: Any, worker: Any) -> None:
    """Fold what a worker counted that ended, however it did, so that files do not pile up."""
    from churn_api.telemetry.multiprocess import fold

    try:
        fold(metrics_group)
    except Exception as error:  # noqa: BLE001
        # Whatever it is: an exception here would end the server. A scrape may be folding the same files.
        server.log.warning("metrics of worker %s are folded later (%s)", worker.pid, error)


def on_exit(server: Any) -> None:
    """End the job worker with the rest; it finishes the block at hand."""
    for companion in companions:
        companion.terminate()
        companion.wait()


def pre_fork(server: Any, worker: Any) -> None:
    """Hold back signals until the worker handles them itself: the handlers that it inherits would lose them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def post_worker_init(worker: Any) -> None:
    """Take signals again, and follow the database in a thread, which the fork could not take over."""
    from churn_api.web.core.metrics import metrics_of
    from churn_api.web.core.state import services_of

    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    app = worker.app.wsgi()
    metrics_of(app).begin()
    services_of(app).follow()
