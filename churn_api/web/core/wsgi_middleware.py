"""The outermost WSGI middleware: it creates the request record, adds response headers, and notifies observers.

WSGI middleware rather than Flask hooks, so that responses that bypass the views are observed too.
"""

import os
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, cast

from werkzeug.test import create_environ, run_wsgi_app

from churn_api.web.core.flask_app import Api
from churn_api.web.core.request_record import RequestRecord, set_current
from churn_api.web.core.response_headers import ResponseHeaders

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_UNOBSERVED = "churn_api_unobserved"
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Ids are not secrets: the generator is seeded once a process, and needs no system call for each request.
_random = random.Random()  # noqa: S311  # nosec B311
os.register_at_fork(after_in_child=_random.seed)


class Observer(Protocol):
    """Is notified of every request. Must not raise."""

    def request_started(self, record: RequestRecord) -> None:
        """A request has started; the record has its id and environ."""
        ...

    def request_finished(self, record: RequestRecord) -> None:
        """The response is sent, or the client has disconnected."""
        ...


def init_app(app: Api, *observers: Observer) -> None:
    """Wrap an application: inside the middleware that adds headers, outside the one that creates the record."""
    with_headers = ResponseHeaders(app.wsgi_app)
    app.extensions[_UNOBSERVED] = with_headers
    app.wsgi_app = _RequestMiddleware(app, with_headers, observers)  # type: ignore[method-assign]


def send_internal_request(app: Api, path: str) -> None:
    """Send an internal GET request to an application, without observers. Used for warm-up."""
    environ = create_environ(path)
    set_current(RequestRecord(app, environ, new_request_id(environ), perf_counter()))
    try:
        run_wsgi_app(app.extensions[_UNOBSERVED], environ, buffered=True)
    finally:
        set_current(None)


def new_request_id(environ: "WSGIEnvironment") -> str:
    """The client's request id where it is well-formed, else a random one."""
    sent: str = environ.get("HTTP_X_REQUEST_ID", "")
    return sent if sent and _ACCEPTED_ID.fullmatch(sent) else f"{_random.getrandbits(128):032x}"


class _RequestMiddleware:
    def __init__(self, app: Api, wrapped: "WSGIApplication", observers: Sequence[Observer]) -> None:
        self._app = app
        self._wrapped = wrapped
        self._observers = observers

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        record = RequestRecord(self._app, environ, new_request_id(environ), perf_counter())
        set_current(record)
        for observer in self._observers:
            observer.request_started(record)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            length = dict(headers).get("Content-Length")
            record.status, record.sent_bytes = int(status[:3]), None if length is None else int(length)
            return start_response(status, headers, *exc_info)

        def end() -> None:
            record.seconds = perf_counter() - record.started
            for observer in self._observers:
                observer.request_finished(record)
            set_current(None)

        try:
            response = self._wrapped(environ, start)
        except BaseException as error:
            record.failure = record.failure or error
            end()
            # For a server that responds in place of the application.
            set_current(record)
            raise
        return _with_end(end, response, environ)


class _ObservedResponse:
    """A response that calls `end` when it is closed; the server iterates over the inner response directly."""

    __slots__ = ("_end", "_response")

    def __init__(self, response: Iterable[bytes], end: Callable[[], None]) -> None:
        self._response = response
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        _close(getattr(self._response, "close", None), self._end)


def _with_end(end: Callable[[], None], response: Any, environ: "WSGIEnvironment") -> Iterable[bytes]:
    """The response with `end` at its close. A file wrapper keeps its type, by which the server knows it as a file."""
    wrapper = environ.get("wsgi.file_wrapper")
    if not isinstance(wrapper, type) or not isinstance(response, wrapper):
        return _ObservedResponse(response, end)
    close = getattr(response, "close", None)
    response.close = lambda: _close(close, end)  # type: ignore[attr-defined]
    return cast("Iterable[bytes]", response)


def _close(close: Callable[[], None] | None, end: Callable[[], None]) -> None:
    try:
        if close is not None:
            close()
    finally:
        end()
