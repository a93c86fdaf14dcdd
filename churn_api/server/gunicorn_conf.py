"""gunicorn's configuration: sync workers that fork from one loaded application.

    gunicorn --config python:churn_api.server.gunicorn_conf churn_api.server.wsgi:app

gunicorn takes the names of this module that are settings of its own, and calls the functions that are hooks.
"""

import gc
import signal
from functools import partial
from pathlib import Path
from typing import Any

from churn_api.config import StartError, load_settings, metrics_dir
from churn_api.server import stop_signals
from churn_api.server.listening import bind_of, check_open_auth, check_server
from churn_api.server.supervisor import JobWorker
from churn_api.server.thread_limits import limit_threads
from churn_api.telemetry import logs
from churn_api.telemetry.multiprocess_dir import begin as begin_metrics_group
from churn_api.telemetry.traces import spans_to

GC_THRESHOLD = 50_000
"""A batch makes thousands of tuples that die by themselves; looking through them was a twentieth of its time."""


def _load_or_exit() -> dict[str, Any]:
    """The settings, after checking that the service may start; otherwise the end of this process, with one line."""
    # What is loaded from here on stays: looking through it for garbage, again and again, was a sixth of the start.
    gc.disable()
    limit_threads()
    try:
        settings = load_settings()
        logs.configure(settings)
        # Before anything imports prometheus_client, which decides then where values live.
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
# No less than nginx passes on. How many headers there may be is bounded by their bytes, which the worker counts.
limit_request_line = 8190
limit_request_field_size = 8190
limit_request_fields = 32_768
# Where it is mounted, a proxy says by X-Forwarded-Prefix: not all proxies take headers with underscores off.
forwarder_headers = ""
preload_app = True
# On by default, and a second instance on the machine would take it over.
control_socket_disable = True
# gunicorn's own lines in the form of all others, and none for each request: the application writes that.
logconfig_dict = logs.logging_config(settings)
logger_class = "churn_api.server.gunicorn_log.ServerLog"

stop_signals.unblock_after_fork()


def on_starting(server: Any) -> None:
    """Refuse, with one line, to start on a port that is taken, or open to more than this machine."""
    try:
        check_open_auth(server, settings)
        check_server(server)
    except StartError as error:
        raise SystemExit(f"churn-api: {error}") from None


def when_ready(server: Any) -> None:
    """Say how to try it, and leave to the workers, which fork next, as much as can be shared."""
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
    hand_over(server.cfg, own=(services.instance, services.jobs_dir), metrics_group=_metrics_group)
    if settings["JOB_WORKER"]:
        _job_workers.append(_start_job_worker(server))
        after_children(server, _job_workers[-1].restart_if_ended)
    keep_configuration(server)


def _start_job_worker(server: Any) -> JobWorker:
    """Start the job worker as whoever the workers become; where that user may not, the end of this process."""
    from churn_api.server.privileges import popen_as

    try:
        return JobWorker(**popen_as(server.cfg))
    except OSError as error:
        raise SystemExit(f"churn-api: the job worker cannot be started ({error.strerror}: {error.filename})") from None


def on_reload(server: Any) -> None:
    """Follow WEB_CONCURRENCY and the log's settings at SIGHUP; workers are forked right after.

    Settings that cannot be used change nothing. gunicorn reads this module's names again at the next SIGHUP.
    """
    global logconfig_dict, workers  # noqa: PLW0603
    from churn_api.services import Services

    try:
        changed = load_settings()
        Services(changed).check()
    except StartError as error:
        server.log.error("the settings cannot be used, and the server goes on as it was: %s", error)
        return
    logs.configure(changed)
    logconfig_dict = logs.logging_config(changed)
    # Where they differ, gunicorn's own command line says how many.
    if server.cfg.workers == workers:
        server.cfg.set("workers", changed["WEB_CONCURRENCY"])
        server.num_workers = changed["WEB_CONCURRENCY"]
    workers = changed["WEB_CONCURRENCY"]


def child_exit(server: Any, worker: Any) -> None:
    """Merge what a worker counted that ended, and remove the files of a request that it was killed in."""
    from churn_api.server.process_metrics import compact
    from churn_api.tables.scratch import sweep_scratch

    compact(server, worker, _metrics_group)
    sweep_scratch()


def pre_exec(server: Any) -> None:
    """At SIGUSR2, start `python -m gunicorn` again as that: by its file's path, gunicorn.http would shadow http."""
    python, program, *arguments = server.START_CTX["args"]
    if Path(program).name == "__main__.py":
        server.START_CTX["args"] = [python, "-m", "gunicorn", *arguments]


def on_exit(server: Any) -> None:
    """End the job worker with the rest."""
    for job_worker in _job_workers:
        job_worker.stop()


def pre_fork(server: Any, worker: Any) -> None:
    """Hold back signals until the worker handles them itself."""
    stop_signals.block()


def post_worker_init(worker: Any) -> None:
    """Take signals again, and follow the database in a thread, which the fork could not take over."""
    from churn_api.server.process_metrics import begin_in_worker
    from churn_api.server.shutdown_deadline import set_shutdown_deadline
    from churn_api.web.core.app_services import services_of
    from churn_api.web.core.draining import draining_of

    stop_signals.unblock()
    app = worker.app.wsgi()
    set_shutdown_deadline(worker, draining_of(app))
    begin_in_worker(app)
    services_of(app).follow()
