"""Draining: a server that is told to stop says so first, answers on for a while, and then stops.

Whoever sends it requests, as a load balancer does, has that long to see that it is not ready and to ask others.
"""

import errno
import mmap

from flask import Flask, current_app
from werkzeug.exceptions import ServiceUnavailable

from churn_api.web.core.request_record import broken_request

_KEY = "churn_api_draining"


class CutOff(ServiceUnavailable):
    """A request that takes longer than a shutdown may: what reads its body lets it through, as no fault of that."""


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


def draining_of(app: Flask) -> Draining:
    """Whether the server of an application stops soon."""
    draining: Draining = app.extensions[_KEY]
    return draining


def is_draining() -> bool:
    """Whether the current application's server stops soon."""
    return draining_of(current_app).begun


def cut_off(*_: object) -> None:
    """End the request at hand, from a signal handler: by an answer where there is none yet, else by its connection."""
    record = broken_request()
    if record is not None and not record.status:
        raise CutOff
    # What gunicorn takes for a client that went away.
    raise ConnectionResetError(errno.ECONNRESET, "the server stops")
