"""CORS: only pages of configured origins may call the API from a browser."""

from typing import TYPE_CHECKING

from flask import Flask
from flask_cors import CORS
from werkzeug.routing import Rule

from churn_api.host_names import origin_pattern
from churn_api.web.core.prediction_headers import TABLE_HEADERS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

EXPOSED_HEADERS = (
    *("X-Request-ID", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "WWW-Authenticate"),
    *("Location", "Link", "Deprecation", "Sunset"),
    *("Content-Disposition", "Content-Range", "Accept-Ranges", "ETag"),
    *(header.name for header in TABLE_HEADERS),
)
"""Response headers that these pages may read (Access-Control-Expose-Headers)."""
PREFLIGHT_SECONDS = 600
"""How long a browser may cache the response to a preflight."""


def init_app(app: Flask) -> None:
    """Add CORS for the configured origins: preflights and response headers. Other origins get no CORS header."""
    # Patterns, because flask-cors treats a string with `*` or brackets as a pattern that only has to match a prefix.
    origins = [origin_pattern(origin) for origin in app.config["CORS_ORIGINS"]]
    if origins:
        CORS(app, origins=origins, expose_headers=EXPOSED_HEADERS, max_age=PREFLIGHT_SECONDS, always_send=False)


def is_preflight(environ: "WSGIEnvironment", rule: Rule | None) -> bool:
    """Whether the request is a CORS preflight. Flask answers it itself; browsers send it without credentials."""
    return (
        environ["REQUEST_METHOD"] == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
        and getattr(rule, "provide_automatic_options", False)
    )
