import logging
import time

from churn_api.store import revisions
from churn_api.store.watcher import Watcher


def bump(database, topic):
    with database.transaction() as connection:
        revisions.bump(connection, topic)


def test_what_changed_is_called(database):
    """Everything is called the first time, and after that what changed and nothing else."""
    called = []
    watcher = Watcher(
        database, on_change={topic: lambda topic=topic: called.append(topic) for topic in ("keys", "models")}
    )
    watcher.look()
    assert sorted(called) == ["keys", "models"]
    watcher.look()
    bump(database, "keys")
    watcher.look()
    assert sorted(called) == ["keys", "keys", "models"]


def test_what_fails_is_tried_again(database, caplog):
    """What fails is told once and tried again until it succeeds, and what comes after it is not forgotten."""
    tries = []

    def fail_twice():
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("not yet")

    watcher = Watcher(database, on_change={"keys": fail_twice, "models": lambda: None})
    rounds = []
    watcher.each_round(lambda: rounds.append(1))
    with caplog.at_level(logging.ERROR):
        watcher.start()
        deadline = time.monotonic() + 10
        while not rounds and time.monotonic() < deadline:
            time.sleep(0.05)
        watcher.stop()
    assert len(tries) == 3
    assert caplog.text.count("following the database failed") == 1
