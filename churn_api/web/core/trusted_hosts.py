"""Which names this service goes by: a request for another host is refused."""

from flask import Flask, current_app, request
from werkzeug.sansio.utils import host_is_trusted

from churn_api.web.core.problems import Problem

PROBES = ("health.live", "health.ready")
"""Asked by an address rather than by a name."""


def init_app(app: Flask) -> None:
    """Check the host of every request, where it is configured; a name that begins with a dot stands for all below."""
    if app.config["ALLOWED_HOSTS"]:
        app.before_request(_check)


def _check() -> None:
    host = request.environ.get("HTTP_HOST", "")
    if request.endpoint not in PROBES and not host_is_trusted(host, current_app.config["ALLOWED_HOSTS"]):
        raise Problem("bad-request", "This service does not go by that name.")
