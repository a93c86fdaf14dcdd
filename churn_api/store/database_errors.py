"""Translates driver errors to exceptions, by error codes and never by message texts."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError

MAX_REASON = 300


class DatabaseAway(Exception):
    """The database is not available. The text says why, for operators, without the password."""

    state = "is away"
    """Completes the sentence "the database …". Clients may see it."""


class DatabaseBusy(DatabaseAway):
    """The database answers, but could not finish in time because of locks or load."""

    state = "is busy"


class DatabaseReadOnly(DatabaseAway):
    """The database is read-only, for example after a failover to another server."""

    state = "takes no writes"


class DatabaseFull(DatabaseAway):
    """The disk of the database is full; reading still works."""

    state = "is full"


class DatabaseUnusable(DatabaseAway):
    """Waiting will not help: the path is a folder, another kind of file, or not readable."""

    state = "cannot be used"


_BY_SQLSTATE: Mapping[str, type[DatabaseAway]] = {
    "08": DatabaseAway,  # connection exceptions; PgBouncer's own refusals are 08P01
    "25006": DatabaseReadOnly,
    "25P03": DatabaseBusy,  # idle in a transaction for too long
    "28": DatabaseAway,  # unknown user, or wrong password
    "3D": DatabaseAway,  # no database of this name
    "40": DatabaseBusy,  # serialization failures and deadlocks
    "42501": DatabaseAway,  # this user may not use the tables
    "53": DatabaseAway,  # out of memory or of connections
    "53100": DatabaseBusy,  # the server's disk is full; reading still works
    "55P03": DatabaseBusy,  # lock_timeout
    "57014": DatabaseBusy,  # statement_timeout
    "57P": DatabaseAway,  # shutdowns, crashes, a dropped database
    "58": DatabaseAway,  # errors of the server's disk
    "XX": DatabaseAway,  # errors of the server itself
}
"""https://www.postgresql.org/docs/current/errcodes-appendix.html, by the complete code or its prefix."""

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


def database_error(error: DBAPIError, url: URL) -> DatabaseAway | None:
    """The exception for a driver error; None where the statement itself is wrong."""
    kind = _kind(error)
    return None if kind is None else kind(_reason(error.orig, url))


def sqlstate_of(error: BaseException | None) -> str | None:
    """The SQLSTATE of an error; None where there is none, as for a broken connection."""
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
    """The reason in one line. Only the server's primary message, because the others may quote values."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    code = sqlstate_of(error) or getattr(error, "sqlite_errorname", None)
    text = " ".join(str(primary or error).split()) or type(error).__name__
    text = _without_password(text, url)[:MAX_REASON]
    return f"{text}, {code}" if code else text


def _without_password(text: str, url: URL) -> str:
    """A text without the password, unless the password is also the user's, the host's or the database's name."""
    password = str(url.password or "")
    hidden = password and password not in (url.username, url.database, url.host)
    return text.replace(password, "***") if hidden else text
