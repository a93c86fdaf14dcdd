"""Addresses as clients of this very application send them: with the prefix of the place where it is mounted."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from churn_api.web.core.client_address import is_from_proxy
from churn_api.web.core.request_record import current_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_HEADER = "HTTP_X_FORWARDED_PREFIX"
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+){1,16}")
"""Whole segments of a path, none of which goes up: what could lead elsewhere is no prefix."""
_BY_TEAM = "werkzeug.proxy_fix.orig"
"""In the environ where the application around this one has heeded the proxy's headers already."""


def init_app(app: Flask) -> None:
    """Have an application know the prefix that a trusted proxy takes off before it passes a request on."""
    trusted = tuple(app.config["TRUSTED_PROXIES"])
    if trusted:
        app.wsgi_app = _Prefixed(app.wsgi_app, trusted)  # type: ignore[method-assign]


class _Prefixed:
    def __init__(self, app: "WSGIApplication", trusted: tuple[str, ...]) -> None:
        self._app = app
        self._trusted = trusted

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if _HEADER in environ and _BY_TEAM not in environ and is_from_proxy(environ, self._trusted):
            # The last one is the proxy's own; some add it to what the client wrote.
            prefix = environ[_HEADER].rpartition(",")[2].strip().rstrip("/")
            if _PREFIX.fullmatch(prefix):
                environ["SCRIPT_NAME"] = prefix + environ.get("SCRIPT_NAME", "")
        return self._app(environ, start_response)


def address(endpoint: str) -> str:
    """The address of an endpoint's route, its arguments in angle brackets, for texts: `/churn/api/v1/models/<model>`.

    Of several routes the shortest. Links, whose arguments are known, are made by Flask's `url_for`.
    """
    shortest = min((rule.rule for rule in current_request().app.url_map.iter_rules(endpoint)), key=len)
    return mounted_at() + shortest


def mounted_at() -> str:
    """The prefix of the place where the application is mounted; empty at the root of its host."""
    script: str = current_request().environ.get("SCRIPT_NAME", "")
    return script.encode("latin-1").decode(errors="replace").rstrip("/")
