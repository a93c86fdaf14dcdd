"""A bound on the time of runs: one thread of the process ends those that take longer."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from churn_api.scoring.onnx import limited_options, new_run_options
from churn_api.scoring.run_errors import RunTooLong

MAX_SECONDS = 10.0
"""Time that the runs of one request may take. A run ends at its next operator, so one operator may take longer."""
_CHECK_SECONDS = 0.1


class _RunLimit:
    """The time that is left for some runs, which share their options."""

    def __init__(self, seconds: float) -> None:
        self.options = new_run_options()
        self._ends_at = time.monotonic() + seconds

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

    The thread sleeps while nothing runs.
    """

    def __init__(self) -> None:
        self._limits: set[_RunLimit] = set()
        self._running = threading.Event()
        threading.Thread(target=self._watch, name="run-watchdog", daemon=True).start()

    def add(self, limit: _RunLimit) -> None:
        """Watch a limit from now on."""
        self._limits.add(limit)
        self._running.set()

    def remove(self, limit: _RunLimit) -> None:
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


@cache
def _watchdog(_pid: int) -> _Watchdog:
    """That of a process: threads do not survive a fork. Of two that threads create at once, both watch."""
    return _Watchdog()


@contextmanager
def scoring_limit(seconds: float | None = None) -> Iterator[None]:
    """A limit, by default MAX_SECONDS, on all that the block computes with graphs.

    Raises RunTooLong where the block takes longer, even if it has a result: nothing ends a pipeline of scikit-learn.
    """
    seconds = MAX_SECONDS if seconds is None else seconds
    limit, watchdog = _RunLimit(seconds), _watchdog(os.getpid())
    watchdog.add(limit)
    token = limited_options.set(limit.options)
    try:
        yield
    except Exception as error:
        if limit.is_over:
            raise _too_long(seconds) from error
        raise
    finally:
        limited_options.reset(token)
        watchdog.remove(limit)
    if limit.is_over:
        raise _too_long(seconds)


def _too_long(seconds: float) -> RunTooLong:
    return RunTooLong(f"the model computes longer than {seconds:g} s")
