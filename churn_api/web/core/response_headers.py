"""Headers of every response: the request id, security headers for browsers, and the state of the rate limit.

Added in WSGI middleware to the list of header pairs, which is faster than Flask's hooks and header objects.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from churn_api.web import API_V1
from churn_api.web.core.declaration import Header
from churn_api.web.core.deprecation import deprecation_headers
from churn_api.web.core.rate_limits import rate_headers
from churn_api.web.core.request_record import current_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = Header(
    "X-Request-ID",
    "Id of the request, in the response and the log: the client's where it has 1 to 64 of A-Z a-z 0-9 . _ -, "
    "else a generated one.",
    "3f2a9c0d5b7e4c1a8d6f0e2b9a7c5d31",
)
LOCATION = Header("Location", "URL of the created resource.", f"{API_V1}/jobs/0f8c2a6d4e1b4f7a9c3d5e7f90a1b2c3")
STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'"

DEFAULT_HEADERS = (
    ("Content-Security-Policy", STRICT_POLICY),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


class ResponseHeaders:
    """WSGI middleware that adds the headers. It needs the current request record."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Call the application."""
        record = current_request()

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            present = dict(headers)
            headers += [default for default in DEFAULT_HEADERS if default[0] not in present]
            headers.append((REQUEST_ID.name, record.request_id))
            if record.rate_count is not None:
                headers += rate_headers(record.rate_count)
            if record.operation is not None and record.operation.successor:
                headers += deprecation_headers(record, record.operation.successor, failed=status >= "400")
            return start_response(status, headers, *exc_info)

        return self._app(environ, start)
