"""A bound on the time of runs: one thread of the process ends those that take longer."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from churn_api.scoring.onnx import limited_options, new_run_options
from churn_api.scoring.run_errors import RunTooLong

MAX_SECONDS = 10.0
"""Time that the runs of one request may take. A run ends at its next operator, so one operator may take longer."""
_CHECK_SECONDS = 0.1


class RunLimit:
    """The time that is left for some runs, which share their options."""

    def __init__(self, seconds: float) -> None:
        self.options = new_run_options()
        self.seconds = seconds
        self._ends_at = time.monotonic() + seconds

    @property
    def expired(self) -> bool:
        """Whether a run was ended."""
        return bool(self.options.terminate)

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._ends_at

    def end_if_due(self) -> None:
        """End the run, and all later ones, where the time is over."""
        if self.is_over:
            self.options.terminate = True


class _Watchdog:
    """Watches limits from a thread that starts with the first one: starting one for each costs more than most runs.

    Threads do not survive a fork, so every process has its own. The thread sleeps while nothing runs.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._limits: set[RunLimit] = set()
        self._running = threading.Event()
        threading.Thread(target=self._watch, name="run-watchdog", daemon=True).start()

    def add(self, limit: RunLimit) -> None:
        """Watch a limit from now on."""
        self._limits.add(limit)
        self._running.set()

    def remove(self, limit: RunLimit) -> None:
        """Watch a limit no longer."""
        self._limits.discard(limit)

    def _watch(self) -> None:
        while True:
            self._running.clear()
            # One that is added between these two lines sets the event again.
            if not self._limits:
                self._running.wait()
            time.sleep(_CHECK_SECONDS)
            for limit in tuple(self._limits):
                limit.end_if_due()


_watchdog: _Watchdog | None = None
_lock = threading.Lock()


@contextmanager
def run_limit(seconds: float | None = None) -> Iterator[RunLimit]:
    """A limit that is watched during the block, by default MAX_SECONDS."""
    limit, watchdog = RunLimit(MAX_SECONDS if seconds is None else seconds), _of_process()
    watchdog.add(limit)
    try:
        yield limit
    finally:
        watchdog.remove(limit)


@contextmanager
def scoring_limit(seconds: float) -> Iterator[None]:
    """A limit on all that the block computes. Raises RunTooLong where it takes longer, even if it has a result.

    Nothing ends a pipeline of scikit-learn: it is found too long when it returns.
    """
    with run_limit(seconds) as limit:
        token = limited_options.set(limit.options)
        try:
            yield
        except Exception as error:
            if limit.is_over:
                raise _too_long(seconds) from error
            raise
        finally:
            limited_options.reset(token)
        if limit.is_over:
            raise _too_long(seconds)


def _too_long(seconds: float) -> RunTooLong:
    return RunTooLong(f"the model computes longer than {seconds:g} s")


def _of_process() -> _Watchdog:
    global _watchdog  # noqa: PLW0603 - one for each process, made when it is needed
    watchdog = _watchdog
    if watchdog is None or watchdog.pid != os.getpid():
        with _lock:
            if _watchdog is None or _watchdog.pid != os.getpid():
                _watchdog = _Watchdog()
            watchdog = _watchdog
    return watchdog
