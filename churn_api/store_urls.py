"""Checks of database and Redis URLs. Error texts quote no part of a URL: any part may belong to the password."""

import re
from collections.abc import Iterable
from importlib.util import find_spec
from urllib.parse import urlsplit

SQLITE = ("sqlite", "sqlite+pysqlite")
IN_MEMORY = ("sqlite://", "sqlite:///:memory:")
"""URLs of a database in the memory of one process."""
POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")
REDIS = ("redis", "rediss", "redis+unix")

_DATABASE_FORM = "as in postgresql://user:password@host:5432/name or sqlite:////folder/churn.db"
_REDIS_FORM = "as in redis://:password@host:6379/0"
_ESCAPES = "in a user or password, write %40 for @, %3A for : and %2F for /"
_OPTIONS = "https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS lists them"
HIDDEN = "********"
_CREDENTIALS = re.compile(r"(?<=://)([^:/@]*):(.*)@", re.DOTALL)
_SECRET_OPTION = re.compile(r"(?i)((?:\?|&)[^=&]*pass[^=&]*=)[^&]*")


class UrlError(ValueError):
    """The URL is not valid for the store; the text says why."""


def check_database_url(url: str) -> None:
    """Raise UrlError where a URL is not that of a database."""
    scheme = _scheme(url, _DATABASE_FORM)
    if scheme in SQLITE:
        _check_sqlite(url)
    elif scheme in POSTGRES:
        _check_postgres(url)
    elif scheme.startswith("postgres"):
        raise UrlError("The driver for PostgreSQL is psycopg: begin with postgresql://.")
    else:
        raise UrlError(f"Must be an address {_DATABASE_FORM}.")


def check_redis_url(url: str) -> None:
    """Raise UrlError where a URL is not that of a Redis."""
    if _scheme(url, _REDIS_FORM) not in REDIS:
        raise UrlError(f"Must be an address {_REDIS_FORM}, or begin with rediss:// or redis+unix://.")
    _require("redis", "redis")
    from redis.connection import ConnectionPool

    try:
        parts = urlsplit(url)
        _ = parts.port
        pool = ConnectionPool.from_url(url.replace("redis+unix://", "unix://", 1))
        # Unknown options only fail here; this does not connect.
        pool.connection_class(**pool.connection_kwargs)
    except TypeError as error:
        raise UrlError("Has an option that the client of Redis does not have.") from error
    except ValueError as error:
        raise UrlError(f"Must be an address {_REDIS_FORM}; {_ESCAPES}.") from error
    if parts.scheme != "redis+unix" and not re.fullmatch(r"/?\d*", parts.path):
        raise UrlError(f"Must end with the number of a database, {_REDIS_FORM}.")


def check_cache(chosen: str) -> None:
    """Raise UrlError where a text is neither `memory` nor the URL of a Redis."""
    if chosen != "memory":
        check_redis_url(chosen)


def check_counters_url(url: str) -> None:
    """Raise UrlError where a URL is not that of a Redis, or of another storage of `limits`."""
    from limits.storage import SCHEMES  # type: ignore[attr-defined]

    scheme = _scheme(url, _REDIS_FORM)
    if scheme in REDIS:
        check_redis_url(url)
    elif scheme not in SCHEMES or scheme.startswith("async+"):
        raise UrlError(f"Must be an address {_REDIS_FORM}, or of another storage that `limits` has.")
    else:
        _require_package(scheme, getattr(SCHEMES[scheme], "DEPENDENCIES", ()))


def without_password(url: str) -> str:
    """A URL with its password hidden."""
    return _SECRET_OPTION.sub(rf"\1{HIDDEN}", _CREDENTIALS.sub(rf"\1:{HIDDEN}@", url))


def _scheme(url: str, form: str) -> str:
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise UrlError(f"Must be an address {form}.")
    return scheme


def _check_sqlite(url: str) -> None:
    _, _, rest = url.partition("://")
    path = rest.removeprefix("/")
    if path.startswith("file:"):
        return
    if path in ("", ":memory:"):
        raise UrlError("In memory each process would have its own database: name a file.")
    if not rest.startswith("/"):
        raise UrlError(
            "Must have three slashes and a path, or four where the path is absolute: sqlite:////folder/file."
        )
    if "?" in path:
        raise UrlError("SQLite takes no options here.")


def _check_postgres(url: str) -> None:
    _require("psycopg", "postgres")
    # Imported here: SQLite does not need the driver.
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        _, arguments = parsed.get_dialect()().create_connect_args(parsed)
        make_conninfo(**arguments)
    except (ArgumentError, ValueError) as error:
        raise UrlError(f"Must be an address {_DATABASE_FORM}; {_ESCAPES}.") from error
    except ProgrammingError as error:
        raise UrlError(f"Has an option that PostgreSQL does not have: {_OPTIONS}.") from error
    # The text between two @ would be taken for part of the host, and logged.
    if "@" in (parsed.host or "") or url.partition("?")[0].count("@") > 1:
        raise UrlError(f"Has more than one @; {_ESCAPES}.")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise UrlError("Must have a port of 1 to 65535.")


def _require_package(scheme: str, names: Iterable[str]) -> None:
    """Raise UrlError where a package is missing. Redis storages also list Valkey, which is not needed."""
    packages = [name.partition(".")[0] for name in names]
    needed = [package for package in packages if scheme.startswith(package)] or packages
    missing = [package for package in needed if find_spec(package) is None]
    if missing:
        raise UrlError(f"Needs a package that is not installed: {missing[0]}.")


def _require(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise UrlError(f"Needs an extra: pip install 'churn-api[{extra}]'.")
