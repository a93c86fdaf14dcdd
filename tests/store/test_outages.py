"""A database that does not answer, is read-only, is busy, or is not a database."""

import os
import sqlite3
import threading
import time
from contextlib import ExitStack

import pytest
from proxies import SilentProxy
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from churn_api.store import change_counters
from churn_api.store.change_watcher import Watcher
from churn_api.store.database import Database, DatabaseAway
from churn_api.store.database_errors import DatabaseBusy, DatabaseReadOnly, DatabaseUnusable
from churn_api.store.schema import upgrade

SOON = 6.0
"""Seconds: a couple, and what a busy machine adds; it was 10 to 34."""
AT_ONCE = 1.0
"""Seconds: less than an answer is waited for."""


@pytest.fixture
def postgres_url(postgres_database):
    """A migrated PostgreSQL database."""
    database = Database(postgres_database)
    upgrade(database)
    database.close()
    return postgres_database


def bump(database):
    with database.transaction() as connection:
        change_counters.bump(connection, "keys")


def seconds_until_away(ask, kind=DatabaseAway):
    started = time.monotonic()
    with pytest.raises(kind):
        ask()
    return time.monotonic() - started


def through(proxy, url):
    return make_url(url).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)


def test_silent(postgres_url):
    """A server that stops answering delays no call for long, and is used again when it answers."""
    url = make_url(postgres_url)
    with SilentProxy(url.host, url.port) as proxy:
        database, inside = (Database(through(proxy, postgres_url), seconds=0.5) for _ in range(2))
        bump(database)

        def fall_silent_inside():
            with inside.transaction() as connection:
                change_counters.read(connection)
                proxy.fall_silent()
                change_counters.bump(connection, "keys")

        assert seconds_until_away(fall_silent_inside) < SOON  # in the middle of a transaction
        assert seconds_until_away(database.ping) < SOON  # by a connection of the pool
        assert seconds_until_away(database.ping) < SOON  # by a new connection
        proxy.speak()
        bump(database)
        bump(inside)
        database.close()
        inside.close()


def test_silence_that_is_known(postgres_url):
    """While the watcher knows that the database is away, all other calls fail at once."""
    url = make_url(postgres_url)
    with SilentProxy(url.host, url.port) as proxy:
        database = Database(through(proxy, postgres_url))
        watcher = Watcher(database, on_change={"keys": lambda: None, "models": lambda: None})
        watcher.start()
        try:
            proxy.fall_silent()
            with pytest.raises(DatabaseAway):
                database.ping()
            until_away = time.monotonic() + 1.5
            while time.monotonic() < until_away:
                assert seconds_until_away(database.ping) < AT_ONCE
                time.sleep(0.1)
            proxy.speak()
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                try:
                    database.ping()
                    break
                except DatabaseAway:
                    time.sleep(0.1)
            bump(database)
        finally:
            watcher.stop()
            database.close()


def test_read_only(postgres_url):
    """A database that was turned read-only can be read, and its connections are dropped: the next may be of another."""
    database = Database(postgres_url)
    bump(database)
    assert not database.ping().read_only
    server = create_engine(Database(postgres_url).url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    name = make_url(postgres_url).database
    with server.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        database.close()
        with pytest.raises(DatabaseReadOnly, match=r"read-only transaction, 25006$"):
            bump(database)
        assert database.ping().read_only
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = off"))
    # The connection that met it is not kept, nor any other of the pool: one that is would be read-only for ever.
    with pytest.raises(DatabaseReadOnly):
        bump(database)
    bump(database)
    server.dispose()
    database.close()


def test_locked_row(postgres_url):
    """A writer that waits for a locked row fails after a few seconds, and others are unaffected."""
    first, second = Database(postgres_url), Database(postgres_url, seconds=0.5)
    with first.transaction() as connection:
        change_counters.bump(connection, "keys")
        assert seconds_until_away(lambda: bump(second), DatabaseBusy) < SOON
        second.ping()
    bump(second)
    first.close()
    second.close()


def test_no_connection_is_free(database_url):
    """Where all connections of a process are in use, one more waits no longer than for an answer."""
    database = Database(database_url, seconds=0.5)
    with ExitStack() as stack:
        for _ in range(database.engine.pool.size() + 10):
            stack.enter_context(database.reading())
        assert seconds_until_away(database.ping, DatabaseBusy) < SOON
    database.close()


def test_locked_file(empty_database, tmp_path):
    """A SQLite file that another process holds makes a writer give up after a couple of seconds; readers read on."""
    path = tmp_path / "locked.db"
    path.write_bytes(empty_database.read_bytes())
    database = Database(f"sqlite:///{path}", seconds=0.5)
    database.ping()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert seconds_until_away(lambda: bump(database), DatabaseBusy) < SOON
    database.ping()
    holder.execute("ROLLBACK")
    bump(database)
    holder.close()
    database.close()


@pytest.mark.parametrize(
    ("make", "output"),
    [
        (lambda path: path.mkdir(), "it is a folder"),
        (lambda path: path.write_text("customer_id,tenure\n" * 100), "not a SQLite database"),
        (lambda path: path.parent.rmdir(), "its folder does not exist"),
    ],
)
def test_no_database(tmp_path, make, output):
    """What is no SQLite file is said to be none, in words that help."""
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder / "churn.db")
    with pytest.raises(DatabaseUnusable, match=output):
        Database(f"sqlite:///{folder / 'churn.db'}").ping()


@pytest.mark.parametrize(
    ("change", "output"),
    [
        ({"username": "nobody_here"}, 'role "nobody_here" does not exist'),
        ({"database": "nothing_here"}, 'database "nothing_here" does not exist'),
        ({"query": {"sslmode": "require"}}, "server does not support SSL"),
        ({"query": {"sslmode": "sometimes"}}, 'invalid sslmode value: "sometimes"'),
        ({"port": 1}, "Connection refused"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_reason(postgres, change, output):
    """The reason of an outage is one line, without the password."""
    url = make_url(postgres).set(password="hunter2-" + "x" * 9, **change)
    if "ssl" in output and os.environ.get("PGSSLMODE"):
        pytest.skip("PGSSLMODE is set")
    with pytest.raises(DatabaseAway) as raised:
        Database(url.render_as_string(hide_password=False)).ping()
    assert output in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_threads_wait_each_for_itself(postgres_url):
    """What one thread waited for in vain does not keep another from connecting."""
    url = make_url(postgres_url)
    with SilentProxy(url.host, url.port) as proxy:
        database = Database(through(proxy, postgres_url))
        proxy.fall_silent()
        with pytest.raises(DatabaseAway):
            database.ping()
        proxy.speak()
        result = []
        threads = [threading.Thread(target=lambda: result.append(database.ping())) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(result) == 3
        database.close()
