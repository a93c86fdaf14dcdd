"""The schema version: the one a database has, the one this program needs, and the upgrade."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from churn_api.config import StartError
from churn_api.store.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

_VERSIONS = frozenset(
    path.name.split("_")[0] for path in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
)
"""The migrations that this program has. File names say which, so that workers need not load Alembic to compare."""
HEAD = max(_VERSIONS)
"""The migration that this program needs."""

_UPGRADE = "run `churn-api db upgrade`"
_LOCK = 4_713_090_821
"""An arbitrary number: the advisory lock that makes machines upgrade one at a time."""

UPGRADE_SECONDS = 600.0
"""Timeout of an upgrade, which may wait for another machine's or change a large table."""


class SchemaError(StartError):
    """The database has another schema version than this program needs; the text says what to do."""


def current(database: Database) -> str | None:
    """The schema version of a database; None where it has no tables. Raises DatabaseAway."""
    with database.reading() as connection:
        return _version(connection)


def check(database: Database) -> None:
    """Raise SchemaError unless the schema version is the needed one. Raises DatabaseAway."""
    version = current(database)
    where = f"the database {database.location}"
    if version is None:
        raise SchemaError(f"{where} has no tables yet: {_UPGRADE}")
    if version not in _VERSIONS:
        raise SchemaError(f"{where} has schema {version}, which is newer than this program: upgrade the program")
    if version != HEAD:
        raise SchemaError(f"{where} has schema {version}, and {HEAD} is needed: {_UPGRADE}")


def upgrade(database: Database) -> str | None:
    """Upgrade a database to the needed schema, and return its previous version. Raises SchemaError, DatabaseAway."""
    from alembic import command

    with database.transaction(seconds=UPGRADE_SECONDS) as connection:
        _lock(connection)
        before = _version(connection)
        if before is not None and before not in _VERSIONS:
            where = f"the database {database.location}"
            raise SchemaError(f"{where} has schema {before}, which is newer than this program")
        if before != HEAD:
            command.upgrade(_config(connection), HEAD)
    return before


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _lock(connection: Connection) -> None:
    """Let one machine at a time upgrade. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "churn_api.store:migrations")
    config.attributes["connection"] = connection
    return config
