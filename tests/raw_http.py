"""HTTP as bytes, for what no client library would send."""

import json
import socket
from typing import Any


class Answer:
    """What a server sent, as bytes."""

    def __init__(self, sent: bytes) -> None:
        self.bytes = sent
        head, _, self.body = sent.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = dict(line.split(": ", 1) for line in lines)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_complete(self) -> bool:
        return len(self.body) >= int(self.headers.get("Content-Length", len(self.body) + 1))


def send(port: int, raw: str) -> Answer:
    """Send a request as it is, and read the answer to its end; a server may keep the connection for longer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(raw.encode("latin-1"))
        sent = b""
        while received := connection.recv(65536):
            sent += received
            if b"\r\n\r\n" in sent and Answer(sent).is_complete:
                break
        return Answer(sent)
