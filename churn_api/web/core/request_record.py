"""The record of a request: what is found out between its coming and its answer.

Views and what stands before them note here what they learn; observers, as the log and the metrics are, read it.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import msgspec

from churn_api.access.caller import UNKNOWN, AuthResult

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from churn_api.contract.faults import Fault
    from churn_api.telemetry.traceparent import Trace
    from churn_api.web.core.declaration import Operation
    from churn_api.web.core.flask_app import Api
    from churn_api.web.core.rate_limiter import RateCount

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
OTHER_METHOD = "_OTHER"
"""As OpenTelemetry has it: https://opentelemetry.io/docs/specs/semconv/http/http-spans/"""

_current: ContextVar[Any] = ContextVar("request_record")


class RequestRecord(msgspec.Struct, eq=False):
    """One request and its answer; what is not known, or not yet, is None."""

    app: "Api"
    """The application that answers."""
    environ: "WSGIEnvironment"
    request_id: str
    """The client's where it is well-formed, else made here."""
    started: float
    """By the clock of `perf_counter`."""
    route: str | None = None
    """The template of the address, as in `/api/v1/predict/<model>`; None where no view has it."""
    operation: "Operation | None" = None
    """What the view declares; None where there is no view."""
    auth: AuthResult = UNKNOWN
    """Who calls, as far as the guard found out."""
    model: str | None = None
    version: str | None = None
    rows: int | None = None
    bad_rows: int = 0
    faults: Sequence["Fault"] = ()
    """What was not valid about the body."""
    inference_seconds: float | None = None
    body_seconds: float | None = None
    """How long the body took to come, where a view read one."""
    body: bytes | None = None
    """What was sent to be predicted, cut; only where LOG_RECORDS asks for it."""
    outcome: Any = None
    """What a view answered or raised to a request that did not go by Flask, where Flask is to make an answer of it."""
    trace: "Trace | None" = None
    problem: str | None = None
    """The code of the problem that was answered."""
    rate_count: "RateCount | None" = None
    """How far the caller is within the limit that counted the call."""
    limit: str | None = None
    """Which limit was hit."""
    failure: BaseException | None = None
    """An exception that no one expected."""
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


def current_request() -> RequestRecord:
    """The record of the request that this thread works on, with its environ and application.

    Found in one step, where Flask's `request` and `current_app` take ten times as long.
    """
    record: RequestRecord = _current.get()
    return record


def set_current(record: RequestRecord | None) -> None:
    """Have this thread work on a request from now on; None: on none."""
    _current.set(record)


def broken_request() -> RequestRecord | None:
    """The record of a request that the application was broken off at, for a server that answers in its place."""
    record: RequestRecord | None = _current.get(None)
    return record


def request_id() -> str:
    """The current request's id."""
    return current_request().request_id
