"""Host check: requests whose Host header is not in ALLOWED_HOSTS are refused."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from churn_api.host_names import host_of, trusted_host
from churn_api.web.core.problems import Problem

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PROBES = ("health.live", "health.ready")
"""Endpoints without a host check: probes use an IP address as host."""


class TrustedHosts:
    """The hosts in ALLOWED_HOSTS; without entries any host. An entry that begins with a dot includes all subdomains."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._trusted = {host for entry in settings["ALLOWED_HOSTS"] if (host := trusted_host(entry))}
        self._suffixes = tuple(host for host in self._trusted if host.startswith("."))

    def check(self, environ: "WSGIEnvironment", endpoint: str | None) -> None:
        """Raise Problem where the request's host is not allowed."""
        if not self._trusted or endpoint in PROBES:
            return
        host = host_of(environ.get("HTTP_HOST", ""))
        if host is None or not (host in self._trusted or f".{host}".endswith(self._suffixes)):
            raise Problem("bad-request", "This service does not go by that name.")
