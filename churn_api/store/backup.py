"""A copy of a SQLite database, made while it is written to."""

import errno
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from churn_api.store.database import Database


class NoFile(Exception):
    """A database that is on a server: its own tools copy it."""


def backup(database: Database, target: Path, *, overwrite: bool) -> None:
    """Copy a database as it is at one moment; `target` gets its name when the copy is whole.

    Raises NoFile, FileExistsError where there is a file that is not to be overwritten, OSError, or sqlite3.Error.
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
            # The copy of a database in WAL mode is one too, and would leave two files more beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
        unfinished.replace(target)
    finally:
        with suppress(OSError):
            unfinished.unlink()
