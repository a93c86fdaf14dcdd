"""Whether the service of this container is alive, asked where HOST and PORT say that it listens."""

import http.client
import os
import socket
import sys
from pathlib import Path

SECONDS = 4


class _Unix(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self.host)


# ruff: noqa: TID251 - stands outside of the program
def port() -> int:
    """As config.py finds it."""
    named = [os.environ.get(name) for name in ("PORT", "SAGEMAKER_BIND_TO_PORT", "AIP_HTTP_PORT")]
    return int(next(filter(None, named), "8080" if Path("/opt/ml/model").is_dir() else "8000"))


host = os.environ.get("HOST", "127.0.0.1")
if host.startswith("unix:"):
    connection: http.client.HTTPConnection = _Unix(host.removeprefix("unix:"))
else:
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - to whom it listens, not where
    connection = http.client.HTTPConnection(near, port(), timeout=SECONDS)
try:
    connection.request("GET", "/health/live", headers={"Host": "localhost"})
    sys.exit(connection.getresponse().status != http.client.OK)
except OSError as error:
    sys.exit(f"not alive: {error}")
