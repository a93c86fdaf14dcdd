"""The project's own gunicorn settings, without what concerns its application."""

import os

host = os.environ.get("HOST", "")
bind = host if host.startswith("unix:") else f"127.0.0.1:{os.environ['PORT']}"
workers = int(os.environ["WEB_CONCURRENCY"])
worker_class = "sync"
preload_app = True
control_socket_disable = True
