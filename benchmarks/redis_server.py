"""A Redis of one's own, with nothing in it and nothing kept."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.nginx import free_port


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The address of a Redis on a free port of loopback, until the block ends."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    try:
        _wait(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=40)


def _wait(port: int) -> None:
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionError:
            time.sleep(0.01)
        else:
            return
    raise SystemExit("redis-server does not answer")
