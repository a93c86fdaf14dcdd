"""Middleware for `X-Forwarded-Prefix`: the path prefix that a trusted proxy strips before it forwards a request."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from churn_api.web.core.client_address import is_from_proxy

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_HEADER = "HTTP_X_FORWARDED_PREFIX"
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+){1,16}")
"""Path segments without `.` and `..`. Any other value of the header is ignored."""
_PROXY_FIX = "werkzeug.proxy_fix.orig"
"""Werkzeug's ProxyFix sets this key; the outer application has then applied the proxy's headers already."""


def init_app(app: Flask) -> None:
    """Add the prefix of trusted proxies to SCRIPT_NAME, where TRUSTED_PROXIES names any."""
    trusted = tuple(app.config["TRUSTED_PROXIES"])
    if trusted:
        app.wsgi_app = _ForwardedPrefix(app.wsgi_app, trusted)  # type: ignore[method-assign]


class _ForwardedPrefix:
    def __init__(self, app: "WSGIApplication", trusted: tuple[str, ...]) -> None:
        self._app = app
        self._trusted = trusted

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if _HEADER in environ and _PROXY_FIX not in environ and is_from_proxy(environ, self._trusted):
            # The nearest proxy wrote the last value; some proxies append it to the value that the client sent.
            prefix = environ[_HEADER].rpartition(",")[2].strip().rstrip("/")
            if _PREFIX.fullmatch(prefix):
                environ["SCRIPT_NAME"] = prefix + environ.get("SCRIPT_NAME", "")
        return self._app(environ, start_response)
