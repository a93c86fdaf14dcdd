"""An exchange: one request and its answer, and what is found out between the two.

Views and what stands before them note what they learn; whoever observes exchanges, as the log does, is told when one
begins and when its answer is sent. Made at the WSGI boundary, so that answers that no view makes are observed too.
"""

import os
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec
import numpy as np
from flask import Flask
from numpy.typing import NDArray
from werkzeug.test import create_environ, run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from churn_api.contract.faults import Fault
    from churn_api.telemetry.traceparent import Trace
    from churn_api.web.core.guard import Visit

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
OTHER_METHOD = "_OTHER"
"""As OpenTelemetry has it: https://opentelemetry.io/docs/specs/semconv/http/http-spans/"""

_KEY = "churn_api_exchange"
_current: ContextVar[Any] = ContextVar("exchange")
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Ids are no secrets, so the system is asked for chance once a process, not once a request.
_random = random.Random()  # noqa: S311  # nosec B311
os.register_at_fork(after_in_child=_random.seed)


class Exchange(msgspec.Struct, eq=False):
    """One request and its answer; what is not known, or not yet, is None."""

    app: Flask
    """The application that answers."""
    environ: "WSGIEnvironment"
    request_id: str
    """The client's where it is well-formed, else made here."""
    started: float
    """By the clock of `perf_counter`."""
    route: str | None = None
    """The template of the address, as in `/api/v1/predict/<model>`; None where no view has it."""
    visit: "Visit | None" = None
    """Who calls, as far as the guard found out."""
    model: str | None = None
    version: str | None = None
    threshold: float | None = None
    rows: int | None = None
    bad_rows: int = 0
    faults: Sequence["Fault"] = ()
    """What was not valid about the body."""
    probabilities: Sequence[NDArray[np.float64]] = ()
    """What the model said of the good rows, in one array or several."""
    inference_seconds: float | None = None
    body_seconds: float | None = None
    """How long the body took to come, where a view read one."""
    body: bytes | None = None
    """What was sent to be predicted, cut; only where LOG_RECORDS asks for it."""
    trace: "Trace | None" = None
    problem: str | None = None
    """The code of the problem that was answered."""
    limit: str | None = None
    """Which limit was hit."""
    failure: BaseException | None = None
    """What nobody expected."""
    status: int = 0
    sent_bytes: int | None = None
    """By the answer's Content-Length."""
    seconds: float = 0.0
    """From the first look at the request until the answer was sent."""

    @property
    def method(self) -> str:
        """The method, where it is one; a client may send any word in its place."""
        sent: str = self.environ["REQUEST_METHOD"]
        return sent if sent in METHODS else OTHER_METHOD


class Observer(Protocol):
    """Is told of every exchange. Raises nothing."""

    def began(self, exchange: Exchange) -> None:
        """A request came; of the exchange its id and its environ are known."""
        ...

    def ended(self, exchange: Exchange) -> None:
        """The answer is sent, or the client went away."""
        ...


def init_app(app: Flask, *observers: Observer) -> None:
    """Make an exchange of every request, and have observers told of it."""
    app.extensions[_KEY] = app.wsgi_app
    app.wsgi_app = _Boundary(app, app.wsgi_app, observers)  # type: ignore[method-assign]


def answer_unobserved(app: Flask, path: str) -> None:
    """Have an application answer what nobody asked; no observer is told."""
    environ = create_environ(path)
    _current.set(Exchange(app, environ, _id_of(environ), perf_counter()))
    try:
        run_wsgi_app(app.extensions[_KEY], environ, buffered=True)
    finally:
        _current.set(None)


def exchange() -> Exchange:
    """The exchange that this thread is at, with its environ and application.

    Found in one step, where Flask's `request` and `current_app` take ten times as long.
    """
    found: Exchange = _current.get()
    return found


def request_id() -> str:
    """The current request's id."""
    return exchange().request_id


class _Boundary:
    def __init__(self, app: Flask, answer: "WSGIApplication", observers: Sequence[Observer]) -> None:
        self._app = app
        self._answer = answer
        self._observers = observers

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        exchange = Exchange(self._app, environ, _id_of(environ), perf_counter())
        _current.set(exchange)
        for observer in self._observers:
            observer.began(exchange)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            length = dict(headers).get("Content-Length")
            exchange.status, exchange.sent_bytes = int(status[:3]), None if length is None else int(length)
            return start_response(status, headers, *exc_info)

        def end() -> None:
            exchange.seconds = perf_counter() - exchange.started
            for observer in self._observers:
                observer.ended(exchange)
            _current.set(None)

        try:
            answer = self._answer(environ, start)
        except BaseException as error:
            exchange.failure = exchange.failure or error
            end()
            raise
        return _closed_with(end, answer, environ)


def _id_of(environ: "WSGIEnvironment") -> str:
    sent: str = environ.get("HTTP_X_REQUEST_ID", "")
    return sent if sent and _ACCEPTED_ID.fullmatch(sent) else f"{_random.getrandbits(128):032x}"


class _Closing:
    """An answer that tells its end; the server iterates over the answer itself."""

    __slots__ = ("_answer", "_end")

    def __init__(self, answer: Iterable[bytes], end: Callable[[], None]) -> None:
        self._answer = answer
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        _close(getattr(self._answer, "close", None), self._end)


def _closed_with(end: Callable[[], None], answer: Any, environ: "WSGIEnvironment") -> Iterable[bytes]:
    """The answer, which tells its end. One that the server sends as a file must stay what the server knows it by."""
    wrapper = environ.get("wsgi.file_wrapper")
    if not isinstance(wrapper, type) or not isinstance(answer, wrapper):
        return _Closing(answer, end)
    close = getattr(answer, "close", None)
    answer.close = lambda: _close(close, end)  # type: ignore[attr-defined]
    return cast("Iterable[bytes]", answer)


def _close(close: Callable[[], None] | None, end: Callable[[], None]) -> None:
    try:
        if close is not None:
            close()
    finally:
        end()
