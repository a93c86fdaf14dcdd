"""The schema's version: which one a database has, which one this program needs, and the way from one to the other."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from churn_api.config import StartError
from churn_api.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0004"
"""The migration that this program needs. Named here so that a worker need not load Alembic to compare."""

_UPGRADE = "run `churn-api db upgrade`"
_LOCK = 4_713_090_821
"""Any number, so that of many machines that upgrade at once one does and the others wait."""


UPGRADE_SECONDS = 600.0
"""How long an upgrade waits for one that runs elsewhere, or for a change of a large table."""


class SchemaError(StartError):
    """A database whose schema is not the one that this program needs; the text says what to do."""


def current(database: Database) -> str | None:
    """The version of a database's schema; None where it has none. Raises DatabaseAway."""
    with database.reading() as connection:
        return _version(connection)


def check(database: Database) -> None:
    """Raise SchemaError unless the schema is the one needed, or DatabaseAway."""
    found = current(database)
    where = f"the database {database.location}"
    if found is None:
        raise SchemaError(f"{where} has no tables yet: {_UPGRADE}")
    if found not in _known():
        raise SchemaError(f"{where} has schema {found}, which is newer than this program: upgrade the program")
    if found != HEAD:
        raise SchemaError(f"{where} has schema {found}, and {HEAD} is needed: {_UPGRADE}")


def upgrade(database: Database) -> str | None:
    """Bring a database to the schema needed, and return the version that it had. Raises SchemaError, DatabaseAway."""
    from alembic import command

    with database.transaction(seconds=UPGRADE_SECONDS) as connection:
        _lock(connection)
        before = _version(connection)
        if before is not None and before not in _known():
            where = f"the database {database.location}"
            raise SchemaError(f"{where} has schema {before}, which is newer than this program")
        if before != HEAD:
            command.upgrade(_config(connection), HEAD)
    return before


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _lock(connection: Connection) -> None:
    """Let one of many upgrade at a time; on SQLite a transaction that writes does so by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def _known() -> set[str]:
    """Every version that this program has a migration for, by the files' names."""
    folder = Path(__file__).parent / "migrations" / "versions"
    return {path.name.split("_")[0] for path in folder.glob("[0-9]*.py")}


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "churn_api.store:migrations")
    config.attributes["connection"] = connection
    return config
