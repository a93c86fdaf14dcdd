"""gunicorn: sync workers that fork from one loaded application."""

import gc
import os

# Before anything imports NumPy: thread pools that start in the master stall the workers forked from it.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from typing import Any

from churn_api.config import ConfigError, load_settings

try:
    settings = load_settings()
except ConfigError as error:
    raise SystemExit(f"churn-api: {error}") from None

host, port = settings["HOST"], settings["PORT"]
on_socket = host.startswith("unix:")
bind = host if on_socket else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
workers = settings["WEB_CONCURRENCY"]
worker_class = "sync"
preload_app = True
# On by default, and a second instance on the machine would take it over.
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Say how to try it, and leave to the workers, which fork next, a heap that no collection touches."""
    from churn_api.web.greeting import greeting

    print(greeting(server.app.wsgi(), "http://localhost" if on_socket else f"http://{bind}"), flush=True)
    gc.collect()
    gc.freeze()
