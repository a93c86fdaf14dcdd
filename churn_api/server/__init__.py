"""How the service runs: gunicorn's configuration and hooks, and the processes that run with it."""
