"""How long a thread waits for the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_SECONDS = 2.0
"""How long a request waits for one answer: a web worker that waits answers no one else."""
COMMAND_SECONDS = 10.0
"""How long a command and a job worker wait, which hold up no one."""


class WaitLimit(threading.local):
    """How long this thread waits for one answer, and whether it has waited that long in vain."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.exceeded = False

    @contextmanager
    def block(self, seconds: float) -> Iterator[None]:
        """Wait no longer than this for each answer, and after the first that did not come for no other."""
        before = self.seconds, self.exceeded
        self.seconds, self.exceeded = seconds, False
        try:
            yield
        finally:
            self.seconds, self.exceeded = before
