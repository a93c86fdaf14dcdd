"""Graceful shutdown: on SIGTERM the server reports that it is not ready, keeps serving for DRAIN_SECONDS, and stops.

During that time a load balancer notices, and sends its requests elsewhere.
"""

import signal
from collections.abc import Callable
from pathlib import Path

from churn_api.web.core.draining import Draining

SETTLE_SECONDS = 0.5
"""How long requests that already wait on the socket are served after its path is closed."""


def drain_before_stop(draining: Draining, stop: Callable[[], None], *, seconds: float, socket_path: str | None) -> None:
    """On SIGTERM, drain for `seconds` and then call `stop`; a second SIGTERM stops at once.

    Uses timers, not threads, because this process forks. A Unix socket's path is closed shortly before the end:
    requests that wait on the socket are lost when the last process closes it.
    """
    steps = [lambda: _close_path(socket_path), stop] if socket_path else [stop]

    def next_step(*_: object) -> None:
        steps.pop(0)()
        if steps:
            signal.setitimer(signal.ITIMER_REAL, SETTLE_SECONDS)

    def begin(*_: object) -> None:
        if draining.begun:
            stop()
            return
        draining.begin()
        if seconds:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        else:
            next_step()

    signal.signal(signal.SIGALRM, next_step)
    signal.signal(signal.SIGTERM, begin)


def _close_path(path: str) -> None:
    """Refuse new connections, by replacing the socket with a regular file, which gunicorn later removes instead."""
    closed = Path(f"{path}.closed")
    closed.touch()
    closed.replace(path)
