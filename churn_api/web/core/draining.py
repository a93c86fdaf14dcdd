"""Draining before a graceful shutdown: the readiness probe fails, but requests are still answered for a while.

In that time a load balancer notices that the server is not ready, and sends requests elsewhere.
"""

import errno
import mmap

from flask import Flask, current_app
from werkzeug.exceptions import ServiceUnavailable

from churn_api.web.core.request_record import broken_request

_KEY = "churn_api_draining"


class CutOff(ServiceUnavailable):
    """The request takes longer than the shutdown may. Code that reads the body must not turn it into a client error."""


class Draining:
    """A flag that the server is about to stop, shared with all processes that are forked later."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)

    def begin(self) -> None:
        """Set the flag."""
        self._shared[0] = 1

    @property
    def begun(self) -> bool:
        """Whether the flag is set."""
        return self._shared[0] == 1


def init_app(app: Flask) -> None:
    """Create the flag of an application."""
    app.extensions[_KEY] = Draining()


def draining_of(app: Flask) -> Draining:
    """The draining flag of an application."""
    draining: Draining = app.extensions[_KEY]
    return draining


def is_draining() -> bool:
    """Whether the current application's server is draining."""
    return draining_of(current_app).begun


def cut_off(*_: object) -> None:
    """Abort the current request, from a signal handler: with a 503 before the response has started, else by closing."""
    record = broken_request()
    if record is not None and not record.status:
        raise CutOff
    # gunicorn treats this error as a client that disconnected.
    raise ConnectionResetError(errno.ECONNRESET, "the server stops")
