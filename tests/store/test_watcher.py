import logging
import time

from churn_api.store import change_counters
from churn_api.store.change_watcher import Watcher
from churn_api.store.database_errors import DatabaseReadOnly


def bump(database, topic):
    with database.transaction() as connection:
        change_counters.bump(connection, topic)


def test_what_changed_is_called(database):
    """Everything is called the first time, and after that what changed and nothing else."""
    called = []
    watcher = Watcher(
        database, on_change={topic: lambda topic=topic: called.append(topic) for topic in ("keys", "models")}
    )
    watcher.poll()
    assert sorted(called) == ["keys", "models"]
    watcher.poll()
    bump(database, "keys")
    watcher.poll()
    assert sorted(called) == ["keys", "keys", "models"]


def test_what_fails_is_tried_again(database, caplog):
    """A failing callback is logged once and retried until it succeeds, and later changes are not lost."""
    tries = []

    def fail_twice():
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("not yet")

    watcher = Watcher(database, on_change={"keys": fail_twice, "models": lambda: None})
    rounds = []
    watcher.after_each_poll(lambda: rounds.append(1))
    with caplog.at_level(logging.ERROR):
        watcher.start()
        deadline = time.monotonic() + 10
        while not rounds and time.monotonic() < deadline:
            time.sleep(0.05)
        watcher.stop()
    assert len(tries) == 3
    assert caplog.text.count("polling the database failed") == 1


def test_a_write_that_is_refused(database, caplog):
    """A rejected write is logged once, is not retried on every poll, and prevents no other callback."""
    tried, done = [], []

    def write():
        tried.append(1)
        raise DatabaseReadOnly("test")

    watcher = Watcher(database, on_change={"keys": lambda: None, "models": lambda: done.append(1)})
    watcher.after_each_poll(write)
    watcher.after_each_poll(lambda: done.append(1))
    with caplog.at_level(logging.WARNING):
        watcher.start()
        deadline = time.monotonic() + 10
        while len(done) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        bump(database, "models")
        while len(done) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        watcher.stop()
    assert (len(tried), len(done)) == (1, 3)
    assert caplog.text.count("the database takes no writes (test)") == 1
