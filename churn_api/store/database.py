"""The database: one engine per process, transactions, and whether it is known to be away."""

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from churn_api.store.database_errors import (
    DatabaseAway,
    DatabaseBusy,
    DatabaseFull,
    DatabaseUnusable,
    database_error,
)
from churn_api.store.sqlite import BEGIN, is_in_memory, sqlite_engine
from churn_api.store.wait_limit import SERVER_SECONDS, WaitLimit

__all__ = ["Database", "DatabaseAway", "DatabaseFull", "Ping"]

AWAY_SECONDS = 5.0
"""How long the database is assumed to be away after a failure, unless the watcher confirms it."""


class Ping(NamedTuple):
    """The answer to a ping."""

    milliseconds: float
    read_only: bool


class Database:
    """One database. Connections are opened on first use, and again after a fork: processes must not share them.

    Where a watcher polls, only the watcher waits for a database that is away; all other calls fail at once.
    """

    def __init__(self, url: str, *, seconds: float = SERVER_SECONDS, make_folder: bool = False) -> None:
        self.url = _with_driver(make_url(url))
        self._make_folder = make_folder
        self.seconds = seconds
        """Timeout of one answer."""
        self._limit = WaitLimit(seconds)
        self._engine: Engine | None = None
        self._pid = 0
        self._watched_pid = 0
        self._away = ""
        self._away_until = 0.0

    @property
    def is_local(self) -> bool:
        """Whether it is SQLite, hence on this machine."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def in_memory(self) -> bool:
        """Whether it is in the memory of this process, and lost when it ends."""
        return self.is_local and is_in_memory(self.url)

    @property
    def location(self) -> str:
        """Its file, or its server and name, without credentials: for operators, never for clients."""
        if self.in_memory:
            return "in memory"
        if self.is_local:
            return str(self.url.database)
        server = self.url.host or "local server"
        return f"{server}:{self.url.port}/{self.url.database}" if self.url.port else f"{server}/{self.url.database}"

    @property
    def engine(self) -> Engine:
        """The engine, with connections of the calling process. Its compiled statements survive a fork.

        Raises DatabaseUnusable.
        """
        if self._engine is None:
            self._engine = self._create_engine()
        elif self._pid != os.getpid() and self.in_memory:
            raise DatabaseUnusable("it is in the memory of another process")
        elif self._pid != os.getpid():
            self._engine.dispose(close=False)  # the parent closes its own connections
        self._pid = os.getpid()
        return self._engine

    def reading(self, *, probe: bool = False) -> AbstractContextManager[Connection]:
        """A connection for reading; `probe` tries even a database that is known to be away. Raises DatabaseAway."""
        return self._connection("DEFERRED", self.seconds, probe)

    def transaction(self, *, seconds: float | None = None) -> AbstractContextManager[Connection]:
        """A connection that commits at the end of the block, or rolls back on an exception. Raises DatabaseAway."""
        return self._connection("IMMEDIATE", self.seconds if seconds is None else seconds, False)

    @contextmanager
    def _connection(self, begin: str, seconds: float, probe: bool) -> Iterator[Connection]:
        """A connection. SQLite's `begin` matters: a transaction that reads, then writes while another does, fails."""
        if self._is_known_away() and not probe:
            raise DatabaseAway(self._away)
        try:
            with self._limit.block(seconds), self.engine.execution_options(**{BEGIN: begin}).begin() as connection:
                yield connection
        except DBAPIError as error:
            away = database_error(error, self.url)
            if away is None:
                raise
            self._remember(away)
            raise away from error
        except PoolTimeout as error:
            raise DatabaseBusy("every connection of this process is in use") from error
        if probe:
            self._away = ""

    def mark_watched(self) -> None:
        """Declare that a watcher of this process polls the database from now on."""
        self._watched_pid = os.getpid()

    def ping(self) -> Ping:
        """Measure a round trip, and whether the database accepts writes. Raises DatabaseAway."""
        started = time.perf_counter()
        with self.reading() as connection:
            read_only = self._is_read_only(connection)
        return Ping((time.perf_counter() - started) * 1000, read_only)

    def close(self) -> None:
        """Close this process's connections before a fork. A database in memory is kept: it would be lost."""
        if not self.in_memory:
            self.dispose()

    def dispose(self) -> None:
        """Close this process's connections. A database in memory is lost."""
        if self._engine is not None and self._pid == os.getpid():
            self._engine.dispose()

    def _create_engine(self) -> Engine:
        if self.is_local:
            return sqlite_engine(self.url, self.seconds, make_folder=self._make_folder)
        # Imported here: the driver is an extra.
        from churn_api.store.postgres import postgres_engine

        return postgres_engine(self.url, self._limit, pool_seconds=self.seconds)

    def _is_read_only(self, connection: Connection) -> bool:
        if self.is_local:
            connection.execute(text("SELECT 1"))
            return not self.in_memory and not os.access(str(self.url.database), os.W_OK)
        return bool(connection.execute(text("SELECT current_setting('transaction_read_only') = 'on'")).scalar())

    def _is_known_away(self) -> bool:
        return bool(self._away) and self._watched_pid == os.getpid() and time.monotonic() < self._away_until

    def _remember(self, error: DatabaseAway) -> None:
        """Remember that the database is away. One that is busy or read-only can still answer other queries."""
        if type(error) is DatabaseAway:
            self._away, self._away_until = str(error), time.monotonic() + AWAY_SECONDS


def _with_driver(url: URL) -> URL:
    """Select psycopg as the driver: platforms provide `postgres://` and `postgresql://` URLs."""
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    return url
