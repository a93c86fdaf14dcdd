"""gunicorn's configuration: sync workers, forked from one preloaded application.

    gunicorn --config python:churn_api.server.gunicorn_conf churn_api.server.wsgi:app

gunicorn reads its settings from the names of this module, and calls its hooks.
"""

import gc
import logging
import signal
from functools import partial
from pathlib import Path
from typing import Any

from churn_api.config import StartError, load_settings, setting_remarks
from churn_api.server import stop_signals
from churn_api.server.listen_address import bind_of, check_open_auth, check_server
from churn_api.server.supervisor import JobWorker
from churn_api.server.thread_limits import limit_threads
from churn_api.state_paths import metrics_dir
from churn_api.telemetry import logs
from churn_api.telemetry.multiprocess_dir import begin as begin_metrics_group
from churn_api.telemetry.traces import spans_to

log = logging.getLogger(__name__)

GC_THRESHOLD = 50_000
"""A batch creates thousands of tuples that reference counting frees; tracing them took a twentieth of its time."""


def _load_or_exit() -> dict[str, Any]:
    """The settings, after checking that the service may start; otherwise exit with one line."""
    # Modules that are loaded now stay: collecting garbage during the start took a sixth of the start.
    gc.disable()
    limit_threads()
    try:
        settings = load_settings()
        logs.configure(settings)
        for remark in setting_remarks(settings):
            log.warning("%s", remark)
        # Before prometheus_client is imported, which chooses the storage of values at import.
        begin_metrics_group(metrics_dir(settings))

        from churn_api.services import Services

        Services(settings).check()
        spans_to(settings["OTLP_ENDPOINT"])
    except StartError as error:
        raise SystemExit(f"churn-api: {error}") from None
    return settings


settings = _load_or_exit()
_metrics_group = begin_metrics_group(metrics_dir(settings))
_job_workers: list[JobWorker] = []

bind = bind_of(settings)
workers = settings["WEB_CONCURRENCY"]
worker_class = "churn_api.server.sync_worker.SyncWorker"
# Not below the limits of the shipped nginx. The number of headers is limited by their total bytes, in SyncWorker.
limit_request_line = 8190
limit_request_field_size = 8190
limit_request_fields = 32_768
# Proxies send X-Forwarded-Prefix instead: not all of them remove client headers with underscores.
forwarder_headers = ""
preload_app = True
# On by default; a second instance on the machine would take the socket over.
control_socket_disable = True
# gunicorn logs in the same format, and no access log: the application writes it.
logconfig_dict = logs.logging_config(settings)
logger_class = "churn_api.server.gunicorn_log.ServerLog"

stop_signals.unblock_after_fork()


def on_starting(server: Any) -> None:
    """Exit with one line where the port is taken, or where AUTH=open listens beyond loopback."""
    try:
        check_open_auth(server, settings)
        check_server(server)
    except StartError as error:
        raise SystemExit(f"churn-api: {error}") from None


def when_ready(server: Any) -> None:
    """Print the startup banner, and warm up, so that the workers, which fork next, share as much memory as possible."""
    from churn_api.server.arbiter import after_children, keep_configuration
    from churn_api.server.graceful_shutdown import drain_before_stop
    from churn_api.server.privileges import hand_over
    from churn_api.server.process_metrics import begin_in_master
    from churn_api.server.startup_banner import show_banner
    from churn_api.server.warm_up import warm_up
    from churn_api.tables.scratch import sweep_scratch
    from churn_api.web.core.app_services import services_of
    from churn_api.web.core.draining import draining_of

    app = server.app.wsgi()
    services = services_of(app)
    socket_path = bind.removeprefix("unix:") if bind.startswith("unix:") else None
    stop = partial(server.signal, signal.SIGTERM, None)
    drain_before_stop(draining_of(app), stop, seconds=settings["DRAIN_SECONDS"], socket_path=socket_path)
    show_banner(services.live, services.models_dir, "http://localhost" if socket_path else f"http://{bind}", settings)
    sweep_scratch()
    warm_up(app, services)
    gc.enable()
    gc.set_threshold(GC_THRESHOLD)
    begin_in_master(server, settings)
    hand_over(
        server.cfg,
        own=(services.instance, services.jobs.folder, services.monitoring.log_folder.path),
        metrics_group=_metrics_group,
    )
    if settings["JOB_WORKER"]:
        _job_workers.append(_start_job_worker(server))
        after_children(server, _job_workers[-1].restart_if_ended)
    keep_configuration(server)


def _start_job_worker(server: Any) -> JobWorker:
    """Start the job worker as the workers' user; exit where that is not possible."""
    from churn_api.server.privileges import popen_as

    try:
        return JobWorker(**popen_as(server.cfg))
    except OSError as error:
        raise SystemExit(f"churn-api: the job worker cannot be started ({error.strerror}: {error.filename})") from None


def on_reload(server: Any) -> None:
    """Apply WEB_CONCURRENCY and the log settings at SIGHUP; gunicorn then forks new workers.

    Invalid settings change nothing. gunicorn reads this module's names again at the next SIGHUP.
    """
    global logconfig_dict, workers  # noqa: PLW0603
    from churn_api.services import Services

    try:
        changed = load_settings()
        Services(changed).check()
    except StartError as error:
        server.log.error("the settings cannot be used; the server continues with the old ones: %s", error)
        return
    logs.configure(changed)
    logconfig_dict = logs.logging_config(changed)
    # Where they differ, gunicorn's command line has set the number.
    if server.cfg.workers == workers:
        server.cfg.set("workers", changed["WEB_CONCURRENCY"])
        server.num_workers = changed["WEB_CONCURRENCY"]
    workers = changed["WEB_CONCURRENCY"]


def child_exit(server: Any, worker: Any) -> None:
    """Compact the metrics of an ended worker, and remove the temporary files of a request that it was killed in."""
    from churn_api.server.process_metrics import compact
    from churn_api.tables.scratch import sweep_scratch

    compact(server, worker, _metrics_group)
    sweep_scratch()


def pre_exec(server: Any) -> None:
    """At SIGUSR2, restart `python -m gunicorn` as a module: by its path, gunicorn.http would shadow http."""
    python, program, *arguments = server.START_CTX["args"]
    if Path(program).name == "__main__.py":
        server.START_CTX["args"] = [python, "-m", "gunicorn", *arguments]


def on_exit(server: Any) -> None:
    """Stop the job worker."""
    for job_worker in _job_workers:
        job_worker.stop()


def pre_fork(server: Any, worker: Any) -> None:
    """Block stop signals until the worker has installed its handlers."""
    stop_signals.block()


def post_worker_init(worker: Any) -> None:
    """Unblock stop signals, and start the thread that follows the database: threads do not survive a fork."""
    from churn_api.server.process_metrics import begin_in_worker
    from churn_api.server.shutdown_deadline import set_shutdown_deadline
    from churn_api.web.core.app_services import services_of
    from churn_api.web.core.draining import draining_of

    stop_signals.unblock()
    app = worker.app.wsgi()
    set_shutdown_deadline(worker, draining_of(app))
    begin_in_worker(app)
    services_of(app).follow()
