"""Addresses of stores: what is wrong about one, in words that show none of it: any part may be of its password."""

import re
from collections.abc import Iterable
from importlib.util import find_spec
from urllib.parse import urlsplit

SQLITE = ("sqlite", "sqlite+pysqlite")
IN_MEMORY = ("sqlite://", "sqlite:///:memory:")
"""Addresses of a database that is in the memory of one process."""
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
    """An address that cannot be one of a store; the text says why."""


def check_database_url(url: str) -> None:
    """Raise UrlError where an address cannot be one of a database."""
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
    """Raise UrlError where an address cannot be one of a Redis."""
    if _scheme(url, _REDIS_FORM) not in REDIS:
        raise UrlError(f"Must be an address {_REDIS_FORM}, or begin with rediss:// or redis+unix://.")
    _require("redis", "redis")
    from redis.connection import ConnectionPool

    try:
        parts = urlsplit(url)
        _ = parts.port
        pool = ConnectionPool.from_url(url.replace("redis+unix://", "unix://", 1))
        # An option that there is not is only met here; nothing is connected.
        pool.connection_class(**pool.connection_kwargs)
    except TypeError as error:
        raise UrlError("Has an option that the client of Redis does not have.") from error
    except ValueError as error:
        raise UrlError(f"Must be an address {_REDIS_FORM}; {_ESCAPES}.") from error
    if parts.scheme != "redis+unix" and not re.fullmatch(r"/?\d*", parts.path):
        raise UrlError(f"Must end with the number of a database, {_REDIS_FORM}.")


def check_counters_url(url: str) -> None:
    """Raise UrlError where an address cannot be one of counters: of Redis, or of another storage that `limits` has."""
    from limits.storage import SCHEMES  # type: ignore[attr-defined]

    scheme = _scheme(url, _REDIS_FORM)
    if scheme in REDIS:
        check_redis_url(url)
    elif scheme not in SCHEMES or scheme.startswith("async+"):
        raise UrlError(f"Must be an address {_REDIS_FORM}, or of another storage that `limits` has.")
    else:
        _require_package(scheme, getattr(SCHEMES[scheme], "DEPENDENCIES", ()))


def without_password(url: str) -> str:
    """An address as it may be shown."""
    return _SECRET_OPTION.sub(rf"\1{HIDDEN}", _CREDENTIALS.sub(rf"\1:{HIDDEN}@", url))


def _scheme(url: str, form: str) -> str:
    scheme, found, _ = url.partition("://")
    if not found:
        raise UrlError(f"Must be an address {form}.")
    return scheme


def _check_sqlite(url: str) -> None:
    _, _, rest = url.partition("://")
    path = rest.removeprefix("/")
    if path.startswith("file:"):
        return
    if path in ("", ":memory:"):
        raise UrlError("In memory each process would have a database of its own: name a file.")
    if not rest.startswith("/"):
        raise UrlError(
            "Must have three slashes and a path, or four where the path is absolute: sqlite:////folder/file."
        )
    if "?" in path:
        raise UrlError("SQLite takes no options here.")


def _check_postgres(url: str) -> None:
    _require("psycopg", "postgres")
    # Only here: who uses a file does without.
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
    # What stands between two of them would be taken for a part of the host, and told in every log.
    if "@" in (parsed.host or "") or url.partition("?")[0].count("@") > 1:
        raise UrlError(f"Has more than one @; {_ESCAPES}.")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise UrlError("Must have a port of 1 to 65535.")


def _require_package(scheme: str, names: Iterable[str]) -> None:
    """A storage of Redis names Valkey too, and needs what its scheme begins with."""
    packages = [name.partition(".")[0] for name in names]
    own = [package for package in packages if scheme.startswith(package)] or packages
    missing = [package for package in own if find_spec(package) is None]
    if missing:
        raise UrlError(f"Needs a package that is not installed: {missing[0]}.")


def _require(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise UrlError(f"Needs an extra: pip install 'churn-api[{extra}]'.")
