"""Calls to the database that a worker repeats while the database is away."""

import errno
import logging
import os
from collections.abc import Callable
from typing import TypeVar

from churn_api.jobs.stop_flag import StopFlag, Stopped
from churn_api.store.database import DatabaseAway, DatabaseFull

RETRY_SECONDS = 1.0

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class DatabaseRetry:
    """Repeats calls until the database answers, and logs once that it is away and once that it is back."""

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self._away = False

    def call(self, do: Callable[[], object], *, raise_full: bool = False) -> None:
        """Repeat a call until the database answers. Raises what the call raises, or Stopped.

        `raise_full`: raise OSError where the database's disk is full. A job that fills the disk must not wait for
        others to free it.
        """
        while True:
            try:
                do()
            except DatabaseAway as error:
                if raise_full and isinstance(error, DatabaseFull):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
                self._log_change(error)
                self._stop.wait(RETRY_SECONDS)
                if self._stop:
                    raise Stopped("the database is away: the job continues when its lease has expired") from None
            else:
                self._log_change(None)
                return

    def attempt(self, do: Callable[[], Result]) -> Result | None:
        """Call once; None where the database is away."""
        try:
            result = do()
        except DatabaseAway as error:
            self._log_change(error)
            return None
        self._log_change(None)
        return result

    def _log_change(self, error: DatabaseAway | None) -> None:
        if error is not None and not self._away:
            log.warning("the database %s (%s); jobs wait for it", error.state, error)
        elif error is None and self._away:
            log.warning("the database is back")
        self._away = error is not None
