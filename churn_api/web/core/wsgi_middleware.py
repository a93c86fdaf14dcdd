"""The WSGI boundary: every request gets a record and every answer its headers, and observers are told of both.

Here rather than in Flask's hooks, so that answers that no view makes are observed too.
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

_KEY = "churn_api_unobserved"
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Ids are no secrets, so the system is asked for chance once a process, not once a request.
_random = random.Random()  # noqa: S311  # nosec B311
os.register_at_fork(after_in_child=_random.seed)


class Observer(Protocol):
    """Is told of every request. Raises nothing."""

    def request_started(self, record: RequestRecord) -> None:
        """A request came; of it the id and the environ are known."""
        ...

    def request_finished(self, record: RequestRecord) -> None:
        """The answer is sent, or the client went away."""
        ...


def init_app(app: Api, *observers: Observer) -> None:
    """Put the boundary around an application: the record outside, the headers, which need its id, inside."""
    with_headers = ResponseHeaders(app.wsgi_app)
    app.extensions[_KEY] = with_headers
    app.wsgi_app = _Boundary(app, with_headers, observers)  # type: ignore[method-assign]


def answer_internal_request(app: Api, path: str) -> None:
    """Have an application answer a request of its own; no observer is told."""
    environ = create_environ(path)
    set_current(RequestRecord(app, environ, new_request_id(environ), perf_counter()))
    try:
        run_wsgi_app(app.extensions[_KEY], environ, buffered=True)
    finally:
        set_current(None)


def new_request_id(environ: "WSGIEnvironment") -> str:
    """The id that the client sent, where it is well-formed, else one of our own."""
    sent: str = environ.get("HTTP_X_REQUEST_ID", "")
    return sent if sent and _ACCEPTED_ID.fullmatch(sent) else f"{_random.getrandbits(128):032x}"


class _Boundary:
    def __init__(self, app: Api, answer: "WSGIApplication", observers: Sequence[Observer]) -> None:
        self._app = app
        self._answer = answer
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
            answer = self._answer(environ, start)
        except BaseException as error:
            record.failure = record.failure or error
            end()
            # For a server that answers in the application's place.
            set_current(record)
            raise
        return _closed_with(end, answer, environ)


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
