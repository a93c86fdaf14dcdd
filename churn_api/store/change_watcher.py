"""A thread that polls the change counters twice a second, and calls back for those that changed."""

import logging
import threading
from collections.abc import Callable, Mapping
from time import monotonic

from churn_api.store import change_counters
from churn_api.store.database import Database, DatabaseAway

POLL_SECONDS = 0.5
WRITE_RETRY_SECONDS = 5.0
"""Wait after a write that the database rejected."""

log = logging.getLogger(__name__)


class Watcher:
    """Watches for changes in one process. Threads do not survive a fork, so each process starts its own."""

    def __init__(self, database: Database, *, on_change: Mapping[str, Callable[[], None]]) -> None:
        self._database = database
        self._on_change = on_change
        self._callbacks: list[Callable[[], None]] = []
        self._seen: dict[str, int] = {}
        self._away = ""
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure = ""
        self._error: DatabaseAway | None = None
        self._retry_at = 0.0

    def after_each_poll(self, do: Callable[[], None]) -> None:
        """Add a callback that runs after every poll."""
        self._callbacks.append(do)

    def start(self) -> None:
        """Start the thread."""
        self._database.mark_watched()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, and wait for it."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def poll(self) -> None:
        """Read the change counters once, and call back for those that changed. Raises DatabaseAway."""
        with self._database.reading(probe=True) as connection:
            counters = change_counters.read(connection)
        for topic, number in counters.items():
            if self._seen.get(topic) != number:
                self._on_change[topic]()
                self._seen[topic] = number

    def poll_or_log(self) -> None:
        """Poll once. An error is logged, and the thread tries again."""
        self._logged(self.poll)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._logged(self._round)
            self._stopped.wait(POLL_SECONDS)

    def _logged(self, do: Callable[[], DatabaseAway | None]) -> None:
        try:
            self._log_state(do())
        except DatabaseAway as error:
            self._log_state(error)
        except Exception as error:  # noqa: BLE001 - the next poll may succeed, and without polls the process serves stale data
            self._log_failure(error)

    def _round(self) -> DatabaseAway | None:
        """Poll, run the callbacks, and return the DatabaseAway that one of them raised; the other callbacks still run.

        After such an error the callbacks pause: each write that a read-only server rejects costs a new connection.
        """
        self.poll()
        if monotonic() < self._retry_at:
            return self._error
        failed: DatabaseAway | None = None
        for do in self._callbacks:
            try:
                do()
            except DatabaseAway as error:
                failed = error
        self._error, self._retry_at = failed, monotonic() + WRITE_RETRY_SECONDS if failed else 0.0
        return failed

    def _log_failure(self, error: Exception) -> None:
        """Log an unexpected error once, however often it repeats."""
        if repr(error) != self._failure:
            self._failure = repr(error)
            log.error("polling the database failed", exc_info=error)

    def _log_state(self, error: DatabaseAway | None) -> None:
        """Log once that the database is away or read-only, and once that it is back."""
        state = error.state if error else ""
        if error and state != self._away:
            log.warning("the database %s (%s); requests are served from memory", state, error)
        elif self._away and not error:
            log.warning("the database is back")
        self._away = state
