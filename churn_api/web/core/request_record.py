"""The request record: what becomes known about a request while it is handled.

Admission control and views write to it; observers (access log, metrics, tracing) read it when the response is sent.
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
"""The label of unknown methods in OpenTelemetry: https://opentelemetry.io/docs/specs/semconv/http/http-spans/"""

_current: ContextVar[Any] = ContextVar("request_record")


class RequestRecord(msgspec.Struct, eq=False):
    """One request and its response. Values that are not known, or not yet, are None."""

    app: "Api"
    """The application that handles the request."""
    environ: "WSGIEnvironment"
    request_id: str
    """The client's id where it is well-formed, else a generated one."""
    started: float
    """Time of `perf_counter`, in seconds."""
    route: str | None = None
    """The URL rule, as in `/api/v1/predict/<model>`; None where no rule matches."""
    operation: "Operation | None" = None
    """The view's declaration; None where no rule matches."""
    auth: AuthResult = UNKNOWN
    """The result of authentication."""
    model: str | None = None
    version: str | None = None
    pinned: bool = False
    """Whether the request names the version."""
    variant: str | None = None
    """That of the answer, or `mixed`; None while no experiment runs."""
    rows: int | None = None
    bad_rows: int = 0
    faults: Sequence["Fault"] = ()
    """Validation faults of the body."""
    inference_seconds: float | None = None
    body_seconds: float | None = None
    """Time that reading the body took."""
    body: bytes | None = None
    """The first bytes of a body with customers; only where LOG_RECORDS is on."""
    view_result: Any = None
    """What the view of a direct request returned or raised, for Flask to build the response from."""
    trace: "Trace | None" = None
    problem: str | None = None
    """The code of the problem in the response."""
    rate_count: "RateCount | None" = None
    """The state of the limit that counted the call."""
    limit: str | None = None
    """The limit that was exceeded."""
    failure: BaseException | None = None
    """An unexpected exception."""
    status: int = 0
    sent_bytes: int | None = None
    """Content-Length of the response."""
    seconds: float = 0.0
    """Duration until the response was sent."""

    @property
    def protocol(self) -> str | None:
        """The name of the other system's protocol that the request came by; None for this API's own."""
        protocol = None if self.operation is None else self.operation.protocol
        return None if protocol is None else protocol.name

    @property
    def method(self) -> str:
        """The HTTP method; OTHER_METHOD for anything else that a client sends."""
        sent: str = self.environ["REQUEST_METHOD"]
        return sent if sent in METHODS else OTHER_METHOD


def current_request() -> RequestRecord:
    """The record of the current request. Ten times as fast as Flask's `request` and `current_app`."""
    record: RequestRecord = _current.get()
    return record


def set_current(record: RequestRecord | None) -> None:
    """Set the current request of this context; None for no request."""
    _current.set(record)


def broken_request() -> RequestRecord | None:
    """The record of a request whose handling was aborted, for a server that responds itself; None without one."""
    record: RequestRecord | None = _current.get(None)
    return record


def request_id() -> str:
    """The current request's id."""
    return current_request().request_id
