"""Headers of every answer: the request id, and what browsers may do with an answer.

Written at the WSGI boundary, as a list of pairs: that is less work than Flask's hooks and header objects, and answers
that are made outside any view get them too.
"""

import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'"

_KEY = "churn_api.request_id"
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DEFAULTS = (
    ("Content-Security-Policy", STRICT_POLICY),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)


def init_app(app: Flask) -> None:
    """Give every request an id, and every answer its headers."""
    app.wsgi_app = _Headers(app.wsgi_app)  # type: ignore[method-assign]


def request_id() -> str:
    """The current request's id: the client's where it is well-formed, else made here."""
    identifier: str = request.environ[_KEY]
    return identifier


class _Headers:
    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        sent = environ.get("HTTP_X_REQUEST_ID", "")
        identifier = environ[_KEY] = sent if _ACCEPTED_ID.fullmatch(sent) else secrets.token_hex(16)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            present = [name for name, _ in headers]
            headers += [default for default in _DEFAULTS if default[0] not in present]
            headers.append(("X-Request-ID", identifier))
            return start_response(status, headers, *exc_info)

        return self._app(environ, start)
