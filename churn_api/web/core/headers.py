"""Headers of every answer: the request's id, and what browsers may do with an answer.

Written at the WSGI boundary, as a list of pairs: that is less work than Flask's hooks and header objects, and answers
that are made outside any view get them too.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

from churn_api.web.core.request_record import exchange

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'"

_DEFAULTS = (
    ("Content-Security-Policy", STRICT_POLICY),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


def init_app(app: Flask) -> None:
    """Give every answer its headers. The exchange must be made before."""
    app.wsgi_app = _Headers(app.wsgi_app)  # type: ignore[method-assign]


class _Headers:
    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        identifier = exchange().request_id

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            present = dict(headers)
            headers += [default for default in _DEFAULTS if default[0] not in present]
            headers.append(("X-Request-ID", identifier))
            return start_response(status, headers, *exc_info)

        return self._app(environ, start)
