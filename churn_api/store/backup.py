"""Online backup of a SQLite database."""

import errno
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from churn_api.store.database import Database


class NoFile(Exception):
    """The database is on a server, whose own tools make backups."""


def backup(database: Database, target: Path, *, overwrite: bool) -> None:
    """Write a consistent copy of a database to `target`, atomically.

    Raises NoFile, FileExistsError where the file exists and `overwrite` is false, OSError, or sqlite3.Error.
    """
    if not database.is_local:
        raise NoFile
    if target.exists() and not overwrite:
        raise FileExistsError(errno.EEXIST, "the file exists", str(target))
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        with (
            closing(sqlite3.connect(f"file:{database.url.database}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(unfinished)) as copy,
        ):
            source.backup(copy)
            # The copy of a database in WAL mode is in WAL mode too, which would leave two more files.
            copy.execute("PRAGMA journal_mode = DELETE")
        unfinished.replace(target)
    finally:
        with suppress(OSError):
            unfinished.unlink()
