"""What keeps a database from doing what it is asked, told by its codes, never by its words."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError

MAX_REASON = 300


class DatabaseAway(Exception):
    """The database cannot be asked. Its text says why, for logs and operators, without the password."""

    state = "is away"
    """What is the matter, after "the database", in words that clients may read too."""


class DatabaseBusy(DatabaseAway):
    """The database answers, and could not do this in time: others hold what it needs, or there is too much to do."""

    state = "is busy"


class DatabaseReadOnly(DatabaseAway):
    """The database can be read and takes no writes, as one that another server has taken over from."""

    state = "takes no writes"


class DatabaseFull(DatabaseAway):
    """The disk of the database has no room for what was to be written; what it holds can be read."""

    state = "is full"


class DatabaseUnusable(DatabaseAway):
    """A file that will not become a database by waiting: a folder, another kind of file, one that may not be read."""

    state = "cannot be used"


_BY_SQLSTATE: Mapping[str, type[DatabaseAway]] = {
    "08": DatabaseAway,  # connection exceptions; PgBouncer's own refusals are 08P01
    "25006": DatabaseReadOnly,
    "25P03": DatabaseBusy,  # idle in a transaction for too long
    "28": DatabaseAway,  # who connects is not known, or not with this password
    "3D": DatabaseAway,  # no database of this name
    "40": DatabaseBusy,  # serialization failures and deadlocks
    "42501": DatabaseAway,  # the tables may not be used by this user
    "53": DatabaseAway,  # out of memory or of connections
    "53100": DatabaseBusy,  # the server's disk is full, and can be read
    "55P03": DatabaseBusy,  # a lock that was not free in time
    "57014": DatabaseBusy,  # statement_timeout
    "57P": DatabaseAway,  # shutdowns, crashes, a database that was dropped
    "58": DatabaseAway,  # errors of the server's disk
    "XX": DatabaseAway,  # errors of the server itself
}
"""https://www.postgresql.org/docs/current/errcodes-appendix.html, by the whole code or its beginning."""

_BY_SQLITE_CODE: Mapping[int, type[DatabaseAway]] = {
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
    sqlite3.SQLITE_READONLY: DatabaseReadOnly,
    sqlite3.SQLITE_FULL: DatabaseFull,
    sqlite3.SQLITE_CANTOPEN: DatabaseUnusable,
    sqlite3.SQLITE_NOTADB: DatabaseUnusable,
    sqlite3.SQLITE_CORRUPT: DatabaseUnusable,
    sqlite3.SQLITE_PERM: DatabaseUnusable,
    sqlite3.SQLITE_AUTH: DatabaseUnusable,
    sqlite3.SQLITE_IOERR: DatabaseAway,
    sqlite3.SQLITE_NOMEM: DatabaseAway,
    sqlite3.SQLITE_PROTOCOL: DatabaseBusy,
}
"""https://www.sqlite.org/rescode.html, by the primary code."""


def unavailable_reason(error: DBAPIError, url: URL) -> DatabaseAway | None:
    """What an error of a driver means for whoever asked; None where the statement itself is wrong."""
    kind = _kind(error)
    return None if kind is None else kind(_reason(error.orig, url))


def sqlstate_of(error: BaseException | None) -> str | None:
    """The code that PostgreSQL gave an error; None where it gave none, as of a connection that broke."""
    code: str | None = getattr(error, "sqlstate", None)
    return code


def _kind(error: DBAPIError) -> type[DatabaseAway] | None:
    sqlite_code = getattr(error.orig, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return _BY_SQLITE_CODE.get(sqlite_code & 0xFF)
    sqlstate = sqlstate_of(error.orig)
    if sqlstate is None:
        return DatabaseAway if error.connection_invalidated or isinstance(error, OperationalError) else None
    by_length = (_BY_SQLSTATE.get(sqlstate[:length]) for length in (5, 3, 2))
    return next((kind for kind in by_length if kind is not None), None)


def _reason(error: Any, url: URL) -> str:
    """In one line, and without values of the statement: of what the server answers its first line, which has none."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    code = sqlstate_of(error) or getattr(error, "sqlite_errorname", None)
    text = " ".join(str(primary or error).split()) or type(error).__name__
    text = _without_password(text, url)[:MAX_REASON]
    return f"{text}, {code}" if code else text


def _without_password(text: str, url: URL) -> str:
    """Drivers name none; what is also the user's or the database's name is told as that."""
    password = str(url.password or "")
    hidden = password and password not in (url.username, url.database, url.host)
    return text.replace(password, "***") if hidden else text
