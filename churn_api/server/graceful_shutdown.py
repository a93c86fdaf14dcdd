"""Graceful shutdown: on SIGTERM the server reports that it is not ready, answers on for a while, and then stops.

A load balancer has that long to see it, and to send its requests elsewhere.
"""

import signal
from collections.abc import Callable
from pathlib import Path

from churn_api.web.core.draining import Draining

SETTLE_SECONDS = 0.5
"""How long requests that already wait on a socket are answered after its path is closed."""


def drain_before_stop(draining: Draining, stop: Callable[[], None], *, seconds: float, socket_path: str | None) -> None:
    """Have SIGTERM, in this process, drain for so many seconds and then call `stop`; a second one stops at once.

    Timers, not threads: this process forks. A socket's path is closed a moment before the end, because what waits on a
    socket is lost when the last process closes it.
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
    """Refuse new connections. A plain file takes the socket's place: gunicorn removes it as if it were the socket."""
    closed = Path(f"{path}.closed")
    closed.touch()
    closed.replace(path)
