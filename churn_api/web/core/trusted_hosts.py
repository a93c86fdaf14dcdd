"""Which names this service goes by: a request for another host is refused."""

from flask import Flask, request

from churn_api.host_names import host_of, trusted_host
from churn_api.web.core.problems import Problem

PROBES = ("health.live", "health.ready")
"""Asked by an address rather than by a name."""


def init_app(app: Flask) -> None:
    """Check the host of every request, where it is configured; a name that begins with a dot stands for all below."""
    trusted = {host for entry in app.config["ALLOWED_HOSTS"] if (host := trusted_host(entry))}
    suffixes = tuple(host for host in trusted if host.startswith("."))

    def check() -> None:
        host = host_of(request.environ.get("HTTP_HOST", ""))
        if host is not None and (host in trusted or f".{host}".endswith(suffixes)):
            return
        if request.endpoint not in PROBES:
            raise Problem("bad-request", "This service does not go by that name.")

    if trusted:
        app.before_request(check)
