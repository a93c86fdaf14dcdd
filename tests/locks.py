"""A process that holds a file of counters locked."""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have another process hold the file, as one would that was stopped while it counts."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with path.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            os.write(writing, b"x")
            time.sleep(60)
    os.read(reading, 1)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
