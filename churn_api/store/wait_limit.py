"""Timeouts of database calls, per thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_SECONDS = 2.0
"""Timeout of one answer during a request: a web worker that waits serves no other request."""
COMMAND_SECONDS = 10.0
"""Timeout of one answer for a command and for a job worker, which delay no one else."""


class WaitLimit(threading.local):
    """The timeout of one answer in this thread, and whether it was exceeded."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.exceeded = False

    @contextmanager
    def block(self, seconds: float) -> Iterator[None]:
        """Set the timeout inside a `with` block. After the first timeout, further calls in the block fail at once."""
        before = self.seconds, self.exceeded
        self.seconds, self.exceeded = seconds, False
        try:
            yield
        finally:
            self.seconds, self.exceeded = before
