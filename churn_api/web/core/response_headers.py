"""Headers of every answer: the request's id, what browsers may do with an answer, and how far the caller's limit is.

Written as a list of pairs, which is less work than Flask's hooks and header objects.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from churn_api.web import API_V1
from churn_api.web.core.declaration import Header
from churn_api.web.core.rate_limits import rate_headers
from churn_api.web.core.request_record import current_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = Header(
    "X-Request-ID",
    "Id of the request, in the answer and the log: the client's where it has 1 to 64 characters of A-Z a-z 0-9 . _ -, "
    "else it is made.",
    "3f2a9c0d5b7e4c1a8d6f0e2b9a7c5d31",
)
LOCATION = Header("Location", "Address of what was made.", f"{API_V1}/jobs/0f8c2a6d4e1b4f7a9c3d5e7f90a1b2c3")
STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'"

DEFAULT_HEADERS = (
    ("Content-Security-Policy", STRICT_POLICY),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


class ResponseHeaders:
    """A WSGI application that adds them to another's answers; there must be a record of the request."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        record = current_request()

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            present = dict(headers)
            headers += [default for default in DEFAULT_HEADERS if default[0] not in present]
            headers.append((REQUEST_ID.name, record.request_id))
            if record.rate_count is not None:
                headers += rate_headers(record.rate_count)
            return start_response(status, headers, *exc_info)

        return self._app(environ, start)
