"""Draining: a server that is told to stop says so first, answers on for a while, and then stops.

Whoever sends it requests, as a load balancer does, has that long to see that it is not ready and to ask others.
"""

import mmap
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, current_app

SETTLE_SECONDS = 0.5
"""How long what already waits on a socket, whose path is closed, is answered."""

_KEY = "churn_api_draining"


class Draining:
    """Whether the server stops soon: one answer for all processes that are forked after this was made."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)

    def begin(self) -> None:
        """From now on the server stops soon."""
        self._shared[0] = 1

    @property
    def begun(self) -> bool:
        """Whether it does."""
        return self._shared[0] == 1


def init_app(app: Flask) -> None:
    """Make an application able to say that it stops soon."""
    app.extensions[_KEY] = Draining()


def is_draining() -> bool:
    """Whether the current application's server stops soon."""
    draining: Draining = current_app.extensions[_KEY]
    return draining.begun


def drain_before_stop(app: Flask, stop: Callable[[], None], *, seconds: float, socket_path: str | None) -> None:
    """Have SIGTERM, in this process, drain for so many seconds and then call `stop`; a second one stops at once.

    Timers, not threads: this process forks. A socket's path is closed a moment before the end, for what waits on it is
    lost when the last process lets go of it.
    """
    draining: Draining = app.extensions[_KEY]
    steps = [lambda: _close_path(socket_path), stop] if socket_path else [stop]

    def next_step(*_: Any) -> None:
        steps.pop(0)()
        if steps:
            signal.setitimer(signal.ITIMER_REAL, SETTLE_SECONDS)

    def begin(*_: Any) -> None:
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
    """Refuse new connections. In the socket's place stands a file, which gunicorn removes as if it were the socket."""
    closed = Path(f"{path}.closed")
    closed.touch()
    closed.replace(path)
