"""Counters of calls in a file that all processes of a machine share: a storage for `limits`, exact without a server."""

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from limits.storage import Storage

SCHEME = "churn-file"
BUSY_SECONDS = 1.0
SWEEP_ONE_IN = 1000
"""Which hits also remove counters that have run out."""

_TABLE = "CREATE TABLE IF NOT EXISTS counters (key TEXT PRIMARY KEY, value INTEGER, ends REAL) WITHOUT ROWID"
_HIT = """
INSERT INTO counters VALUES (:key, :amount, :ends)
ON CONFLICT (key) DO UPDATE SET
    value = CASE WHEN ends <= :now THEN :amount ELSE value + :amount END,
    ends = CASE WHEN ends <= :now THEN :ends ELSE ends END
RETURNING value
"""


def uri_of(path: Path) -> str:
    """How `limits` finds the counters of a file."""
    return f"{SCHEME}://{path.absolute()}"


class FileStorage(Storage):
    """Counts in SQLite, one statement a hit. Each process and thread has a connection of its own."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - the base class's

    def __init__(self, uri: str, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._path = Path(uri.removeprefix(f"{SCHEME}://"))
        self._held = threading.local()
        self._hits = 0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What means that the file cannot be used."""
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and return the count; a counter begins when it is first hit, and ends `expiry` seconds later."""
        now = time.time()
        values = {"key": key, "amount": amount, "now": now, "ends": now + expiry}
        (count,) = self._connection().execute(_HIT, values).fetchone()
        self._hits += 1
        if self._hits % SWEEP_ONE_IN == 0:
            self._connection().execute("DELETE FROM counters WHERE ends <= ?", (now,))
        return int(count)

    def get(self, key: str) -> int:
        """The count; 0 where there is none."""
        return int(self._one("SELECT value FROM counters WHERE key = ? AND ends > ?", key) or 0)

    def get_expiry(self, key: str) -> float:
        """Unix time at which a counter ends; now where there is none."""
        return float(self._one("SELECT ends FROM counters WHERE key = ? AND ends > ?", key) or time.time())

    def check(self) -> bool:
        """Whether the file can be used."""
        try:
            self._connection().execute("SELECT count(*) FROM counters").fetchone()
        except sqlite3.Error:
            return False
        return True

    def reset(self) -> int | None:
        """Remove every counter, and return how many there were."""
        return self._connection().execute("DELETE FROM counters").rowcount

    def clear(self, key: str) -> None:
        """Remove one counter."""
        self._connection().execute("DELETE FROM counters WHERE key = ?", (key,))

    def _one(self, query: str, key: str) -> Any:
        found = self._connection().execute(query, (key, time.time())).fetchone()
        return found[0] if found else None

    def _connection(self) -> sqlite3.Connection:
        held = self._held
        if getattr(held, "pid", None) != os.getpid():
            held.connection, held.pid = self._connect(), os.getpid()
        connection: sqlite3.Connection = held.connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        # Counters need not survive a power cut, so no write waits for the disk.
        for pragma in ("journal_mode = WAL", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(_TABLE)
        return connection
