"""gunicorn's configuration and hooks, and the processes that run alongside its workers."""
