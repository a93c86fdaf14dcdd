import os
import subprocess
import sys
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from churn_api.store import audit, change_counters, schema
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import OUTCOMES
from churn_api.store.schema import HEAD
from churn_api.store.table_columns import METADATA
from churn_api.store.tables import LIVE


def test_migrations_make_the_tables(database):
    """The migrations make just the tables that the statements are made from, on both kinds of database."""
    with database.transaction() as connection:
        assert {LIVE, OUTCOMES} < set(METADATA.tables.values())
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_head_is_the_last_migration():
    """The version that a worker compares with is that of the last migration."""
    config = Config()
    config.set_main_option("script_location", "churn_api.store:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_schema_is_compared(database_url):
    """A database without tables, with an older schema or with a newer one is refused, with what to do."""
    database = Database(database_url)
    with pytest.raises(schema.SchemaError, match="no tables yet: run `churn-api db upgrade`"):
        schema.check(database)
    assert schema.upgrade(database) is None
    schema.check(database)
    assert schema.upgrade(database) == schema.HEAD
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refuse in (schema.check, schema.upgrade):
        with pytest.raises(schema.SchemaError, match="9999, which is newer"):
            refuse(database)
    database.close()


def test_older_schema(database, monkeypatch):
    """A program that needs a later migration reports the database's version, and what to do."""
    monkeypatch.setattr(schema, "HEAD", "9999")
    with pytest.raises(schema.SchemaError, match=rf"has schema {HEAD}, and 9999 is needed: run"):
        schema.check(database)


def test_upgraded_step_by_step(database_url):
    """A database of the first schema version is upgraded, and keeps its data."""
    database = Database(database_url)
    with database.transaction() as connection:
        command.upgrade(schema._config(connection), "0001")
        audit.record(connection, "test", "one", "two")
    assert schema.upgrade(database) == "0001"
    schema.check(database)
    test_migrations_make_the_tables(database)
    assert [act.actor for act in audit.latest_entries(database, 10)] == ["test"]
    database.close()


def _upgrade(url):
    schema.upgrade(Database(url))


def test_upgraded_at_once(database_url):
    """Several machines that upgrade one database at the same moment all succeed, and one of them does the work."""
    processes = [get_context("spawn").Process(target=_upgrade, args=(database_url,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    database = Database(database_url)
    schema.check(database)
    database.close()


def test_all_or_nothing(database):
    """A transaction that fails leaves nothing behind."""

    def fail(connection):
        audit.record(connection, "test", "one", "two")
        change_counters.bump(connection, "keys")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        fail(connection)
    assert audit.latest_entries(database, 10) == []
    with database.transaction() as connection:
        assert change_counters.read(connection) == {"keys": 0, "models": 0}


def test_foreign_keys_hold(database):
    """A version that is not registered cannot be live, on SQLite either."""
    row = {"model": "m", "version": "1", "generation": 1, "changed_at": datetime.now(UTC), "changed_by": "test"}
    with pytest.raises(IntegrityError), database.transaction() as connection:
        connection.execute(insert(LIVE).values(row))


def _bump(url):
    database = Database(url)
    for _ in range(50):
        with database.transaction() as connection:
            change_counters.read(connection)
            change_counters.bump(connection, "keys")


def test_many_writers(database, database_url):
    """Processes that read and then write at the same moment wait for each other, and none is refused."""
    processes = [get_context("spawn").Process(target=_bump, args=(database_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    with database.reading() as connection:
        assert change_counters.read(connection)["keys"] == 200


def test_an_engine_a_process(database):
    """After a fork the child opens its own connections, and the parent's still work."""
    before = database.ping()
    child = os.fork()
    if child == 0:
        try:
            database.ping()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert before.milliseconds > 0
    assert database.ping().milliseconds > 0


def test_upgrade_command(instance):
    """`churn-api db upgrade` makes the database, says so, and is safe to run again."""
    (instance / "churn.db").unlink()
    db = [str(Path(sys.executable).with_name("churn-api")), "db"]
    first = subprocess.run([*db, "upgrade"], capture_output=True, text=True, check=True)
    again = subprocess.run([*db, "upgrade"], capture_output=True, text=True, check=True)
    assert (first.stdout, again.stdout) == (f"schema {HEAD} (before: none)\n", f"schema {HEAD}\n")
    current = subprocess.run([*db, "current"], capture_output=True, text=True, check=True)
    assert current.stdout == f"has {HEAD}, needs {HEAD}\n"
