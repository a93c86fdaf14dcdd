"""A query that a scrape waits for only briefly: it runs in a thread, and its result is kept for a while."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

TIMEOUT_SECONDS = 1.0

Result = TypeVar("Result")


class BackgroundQuery(Generic[Result]):
    """A hanging database delays a scrape by one second, and does not fail it."""

    def __init__(self, name: str, query: Callable[[], Result | None], keep_seconds: float) -> None:
        self._name = name
        self._query = query
        self._keep_seconds = keep_seconds
        self._result_or_none: Result | None = None
        self._queried_at = -keep_seconds
        self._thread: threading.Thread | None = None

    def result(self) -> Result | None:
        """The result, which may be some seconds old; None where the query gives none in time."""
        if monotonic() - self._queried_at < self._keep_seconds:
            return self._result_or_none
        thread = self._thread
        if thread is None or not thread.is_alive():
            thread = self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            thread.start()
        thread.join(TIMEOUT_SECONDS)
        return None if thread.is_alive() else self._result_or_none

    def _run(self) -> None:
        self._result_or_none = None
        self._result_or_none = self._query()
        self._queried_at = monotonic()
