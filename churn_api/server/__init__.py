"""How the service runs: gunicorn's configuration and hooks, and the processes beside its workers."""
