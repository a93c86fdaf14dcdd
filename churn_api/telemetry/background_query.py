"""A query that a scrape waits for only briefly: it runs in a thread, and its result is kept for a while."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

TIMEOUT_SECONDS = 1.0

Result = TypeVar("Result")


class BackgroundQuery(Generic[Result]):
    """A slow query delays a scrape by one second, and does not fail it."""

    def __init__(self, name: str, query: Callable[[], Result | None], keep_seconds: float) -> None:
        self._name = name
        self._query = query
        self._keep_seconds = keep_seconds
        self._result_or_none: Result | None = None
        self._queried_at = -keep_seconds
        self._thread: threading.Thread | None = None

    def result(self) -> Result | None:
        """The result, which may be some seconds old; None where the query gives none in time."""
        return None if self._is_running() else self._result_or_none

    def latest(self) -> Result | None:
        """The same, but the result before while the query takes longer."""
        self._is_running()
        return self._result_or_none

    def _is_running(self) -> bool:
        """Start the query where its result is too old, and wait for it briefly; whether it still runs."""
        if monotonic() - self._queried_at < self._keep_seconds:
            return False
        thread = self._thread
        if thread is None or not thread.is_alive():
            thread = self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            thread.start()
        thread.join(TIMEOUT_SECONDS)
        return thread.is_alive()

    def _run(self) -> None:
        result = None
        try:
            result = self._query()
            self._queried_at = monotonic()
        finally:
            self._result_or_none = result
