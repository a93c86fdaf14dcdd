"""Whether the service of this container is alive, asked where its settings say that it listens."""

import http.client
import socket
import sys

from churn_api.config import ConfigError, load_settings

SECONDS = 4


class _Unix(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self.host)


try:
    settings = load_settings()
except ConfigError as error:
    sys.exit(str(error))
host = settings["HOST"]
if host.startswith("unix:"):
    connection: http.client.HTTPConnection = _Unix(host.removeprefix("unix:"))
else:
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - to whom it listens, not where
    connection = http.client.HTTPConnection(near, settings["PORT"], timeout=SECONDS)
try:
    connection.request("GET", "/health/live", headers={"Host": "localhost"})
    sys.exit(connection.getresponse().status != http.client.OK)
except OSError as error:
    sys.exit(f"not alive: {error}")
