"""SQLite: an engine for one file."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from churn_api.store.database_errors import DatabaseUnusable

BEGIN = "churn_api_begin"
"""The execution option with the kind of BEGIN."""
_ONE_CONNECTION: dict[str, Any] = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
"""Pool options for a database in memory, which belongs to its one connection: threads take turns."""
_MAGIC = b"SQLite format 3\x00"


def is_in_memory(url: URL) -> bool:
    """Whether a SQLite URL names no file: each connection then has a database of its own."""
    return url.database in (None, "", ":memory:")


def sqlite_engine(url: URL, seconds: float, *, make_folder: bool) -> Engine:
    """An engine that waits `seconds` for a lock or for a connection. Raises DatabaseUnusable."""
    _check_file(url, make_folder=make_folder)
    engine = create_engine(
        url,
        connect_args={"timeout": seconds, "check_same_thread": False},
        pool_timeout=seconds,
        hide_parameters=True,
        **(_ONE_CONNECTION if is_in_memory(url) else {}),
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        """Let readers not wait for writers, enforce foreign keys, and begin transactions only explicitly."""
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get(BEGIN, 'DEFERRED')}")

    return engine


def _check_file(url: URL, *, make_folder: bool) -> None:
    """Raise DatabaseUnusable where the path cannot be a database, with a clearer text than SQLite's."""
    if is_in_memory(url) or str(url.database).startswith("file:"):
        return
    path = Path(str(url.database))
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise DatabaseUnusable("it is a folder")
        if not path.parent.is_dir():
            raise DatabaseUnusable("its folder does not exist")
        if path.exists():
            with path.open("rb") as file:
                head = file.read(len(_MAGIC))
            if head and head != _MAGIC:
                raise DatabaseUnusable("it is not a SQLite database, but another kind of file")
    except OSError as error:
        raise DatabaseUnusable(error.strerror or type(error).__name__) from error
