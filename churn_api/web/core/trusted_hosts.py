"""Which names this service goes by: a request for another host is refused."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from churn_api.host_names import host_of, trusted_host
from churn_api.web.core.problems import Problem

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PROBES = ("health.live", "health.ready")
"""Asked by an address rather than by a name."""


class TrustedHosts:
    """The hosts that settings name; any, where they name none. A name that begins with a dot stands for all below."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._trusted = {host for entry in settings["ALLOWED_HOSTS"] if (host := trusted_host(entry))}
        self._suffixes = tuple(host for host in self._trusted if host.startswith("."))

    def check(self, environ: "WSGIEnvironment", endpoint: str | None) -> None:
        """Raise Problem where a request is for another host."""
        if not self._trusted or endpoint in PROBES:
            return
        host = host_of(environ.get("HTTP_HOST", ""))
        if host is None or not (host in self._trusted or f".{host}".endswith(self._suffixes)):
            raise Problem("bad-request", "This service does not go by that name.")
