"""The request to stop a worker, which a signal handler sets."""

import time

CHECK_SECONDS = 0.1


class Stopped(Exception):
    """The worker must stop."""


class StopFlag:
    """Set once. Not a threading.Event: a signal may interrupt the thread while it holds the event's own lock."""

    def __init__(self) -> None:
        self._set = False

    def __bool__(self) -> bool:
        return self._set

    def set(self) -> None:
        """Request the stop. Safe in a signal handler."""
        self._set = True

    def wait(self, seconds: float) -> None:
        """Sleep this long, or until the flag is set."""
        until = time.monotonic() + seconds
        while not self._set and time.monotonic() < until:
            time.sleep(CHECK_SECONDS)
