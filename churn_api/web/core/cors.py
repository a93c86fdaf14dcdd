"""Which pages of other origins may call the API: those that are configured, and no other."""

from typing import TYPE_CHECKING

from flask import Flask
from flask_cors import CORS
from werkzeug.routing import Rule

from churn_api.host_names import origin_pattern

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

READABLE = (
    *("X-Request-ID", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "WWW-Authenticate"),
    *("Location", "Link", "Deprecation", "Sunset"),
    *("Content-Disposition", "Content-Range", "Accept-Ranges", "ETag"),
    *("Churn-Model", "Churn-Model-Version", "Churn-Threshold", "Churn-Inference-Time-Ms"),
    *("Churn-Rows", "Churn-Bad-Rows", "Churn-Unseen"),
)
"""Headers of answers that such a page may read, besides those that every page may."""
PREFLIGHT_SECONDS = 600
"""How long a browser keeps what it was answered."""


def init_app(app: Flask) -> None:
    """Answer the configured origins' preflights, and let their pages read answers. Others get no header at all."""
    # Patterns, because flask-cors takes a text with a star, or brackets, for a pattern that need not match to the end.
    origins = [origin_pattern(origin) for origin in app.config["CORS_ORIGINS"]]
    if origins:
        CORS(app, origins=origins, expose_headers=READABLE, max_age=PREFLIGHT_SECONDS, always_send=False)


def is_preflight(environ: "WSGIEnvironment", rule: Rule | None) -> bool:
    """Whether a browser asks what a page may send, which Flask answers itself: it sends no key before it knows."""
    return (
        environ["REQUEST_METHOD"] == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
        and getattr(rule, "provide_automatic_options", False)
    )
