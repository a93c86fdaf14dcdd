"""The database: an engine a process, and transactions."""

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from sqlite3 import SQLITE_FULL
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

BUSY_SECONDS = 5
"""How long a statement waits for a lock of SQLite."""
CONNECT_SECONDS = 2
STATEMENT_SECONDS = 10

_BEGIN = "churn_api_begin"


class DatabaseAway(Exception):
    """The database cannot be reached. Its text says why and names no address."""


class DatabaseFull(DatabaseAway):
    """The disk of the database has no room for what was to be written; what it holds can be read."""


class Database:
    """One database. Connections are made on first use, and anew after a fork: they must not be shared."""

    def __init__(self, url: str) -> None:
        self.url = _with_driver(make_url(url))
        self._engine: Engine | None = None
        self._pid = 0

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def location(self) -> str:
        """Its file, or its server and name, without credentials: for those who run this, never for clients."""
        if self.is_local:
            return self.url.database or "in memory"
        server = self.url.host or "local server"
        return f"{server}:{self.url.port}/{self.url.database}" if self.url.port else f"{server}/{self.url.database}"

    @property
    def engine(self) -> Engine:
        """The engine, with connections of the process that asks. What it has compiled outlives a fork."""
        if self._engine is None:
            self._engine = _engine(self.url)
        elif self._pid != os.getpid():
            self._engine.dispose(close=False)  # they are the parent's to close
        self._pid = os.getpid()
        return self._engine

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that only reads, for a block. Raises DatabaseAway."""
        return self._connection("DEFERRED")

    def transaction(self) -> AbstractContextManager[Connection]:
        """A connection, committed at the end of a block, or rolled back where it raises. Raises DatabaseAway."""
        return self._connection("IMMEDIATE")

    @contextmanager
    def _connection(self, begin: str) -> Iterator[Connection]:
        """A connection. SQLite refuses at once one that first reads and then writes beside another."""
        try:
            with self.engine.execution_options(**{_BEGIN: begin}).begin() as connection:
                yield connection
        except DBAPIError as error:
            if not _is_away(error):
                raise
            if _is_full(error):
                raise DatabaseFull("its disk is full") from error
            raise DatabaseAway(type(error.orig).__name__) from error

    def ping(self) -> float:
        """Milliseconds that a round trip takes. Raises DatabaseAway."""
        started = time.perf_counter()
        with self.reading() as connection:
            connection.execute(text("SELECT 1"))
        return (time.perf_counter() - started) * 1000

    def close(self) -> None:
        """Close this process's connections, so that a fork inherits none."""
        if self._engine is not None and self._pid == os.getpid():
            self._engine.dispose()


def _with_driver(url: URL) -> URL:
    """Platforms hand out `postgres://` and `postgresql://`; the driver here is psycopg."""
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    return url


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    options = f"-c statement_timeout={STATEMENT_SECONDS * 1000}"
    connecting: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        # A server that vanished without a word is noticed after seconds, not after the system's quarter of an hour.
        "tcp_user_timeout": CONNECT_SECONDS * 1000,
        "options": options,
    }
    return create_engine(url, pool_pre_ping=True, pool_size=2, pool_recycle=1800, connect_args=connecting)


def _sqlite(url: URL) -> Engine:
    if url.database:
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseAway(f"its folder cannot be made: {error.strerror}") from error
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        """Readers do not wait for writers, foreign keys hold, and the driver begins no transaction of its own."""
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get(_BEGIN, 'DEFERRED')}")

    return engine


def _is_away(error: DBAPIError) -> bool:
    """Whether there is no database to ask, rather than a statement that is wrong; SQLite has one class for both."""
    wrong = str(error.orig).startswith("no such ")
    return error.connection_invalidated or (isinstance(error, OperationalError) and not wrong)


def _is_full(error: DBAPIError) -> bool:
    """Whether SQLite found no room; a server's disk is the server's affair, and it is away while it cannot write."""
    return getattr(error.orig, "sqlite_errorcode", None) == SQLITE_FULL
