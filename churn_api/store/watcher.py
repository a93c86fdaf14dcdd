"""A thread that follows the database: one small question twice a second, and what the answer calls for."""

import logging
import threading
from collections.abc import Callable, Mapping
from time import monotonic

from churn_api.store import change_counters
from churn_api.store.database import Database, DatabaseAway

EVERY_SECONDS = 0.5
AGAIN_SECONDS = 5.0
"""How long after a write that the database did not take the next is made."""

log = logging.getLogger(__name__)


class Watcher:
    """Follows changes in one process. A thread does not survive a fork, so it is started where it is needed."""

    def __init__(self, database: Database, *, on_change: Mapping[str, Callable[[], None]]) -> None:
        self._database = database
        self._on_change = on_change
        self._each_round: list[Callable[[], None]] = []
        self._seen: dict[str, int] = {}
        self._away = ""
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure = ""
        self._kept: DatabaseAway | None = None
        self._again_at = 0.0

    def after_each_poll(self, do: Callable[[], None]) -> None:
        """Do something after every question and what it called for."""
        self._each_round.append(do)

    def start(self) -> None:
        """Follow from now on."""
        self._database.mark_watched()
        self._thread = threading.Thread(target=self._follow, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Follow no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def poll(self) -> None:
        """Ask once, and do what the answer calls for. Raises DatabaseAway."""
        with self._database.reading(probe=True) as connection:
            found = change_counters.read(connection)
        for topic, number in found.items():
            if self._seen.get(topic) != number:
                self._on_change[topic]()
                self._seen[topic] = number

    def poll_or_log(self) -> None:
        """Look now, before anything is answered; what keeps it from that is logged, and tried again by the thread."""
        self._logged(self.poll)

    def _follow(self) -> None:
        while not self._stopped.is_set():
            self._logged(self._round)
            self._stopped.wait(EVERY_SECONDS)

    def _logged(self, do: Callable[[], DatabaseAway | None]) -> None:
        try:
            self._tell(do())
        except DatabaseAway as error:
            self._tell(error)
        except Exception as error:  # noqa: BLE001 - the next round may succeed, and who does not follow is wrong
            self._tell_failure(error)

    def _round(self) -> DatabaseAway | None:
        """Look, do what each round has, and return what the database kept from being done: it keeps nothing else.

        After that not at every round: each write that a read-only server refuses costs a new connection.
        """
        self.poll()
        if monotonic() < self._again_at:
            return self._kept
        kept: DatabaseAway | None = None
        for do in self._each_round:
            try:
                do()
            except DatabaseAway as error:
                kept = error
        self._kept, self._again_at = kept, monotonic() + AGAIN_SECONDS if kept else 0.0
        return kept

    def _tell_failure(self, error: Exception) -> None:
        """Once, however often it comes."""
        if repr(error) != self._failure:
            self._failure = repr(error)
            log.error("following the database failed", exc_info=error)

    def _tell(self, error: DatabaseAway | None) -> None:
        """That the database is away, or takes no writes, and why, or that it is back: once each."""
        state = error.state if error else ""
        if error and state != self._away:
            log.warning("the database %s (%s); what is held answers on", state, error)
        elif self._away and not error:
            log.warning("the database is back")
        self._away = state
