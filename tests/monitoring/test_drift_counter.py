"""What is predicted is counted in the database: once, by all processes together."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import pytest
from builders import customers
from sqlalchemy import select

from churn_api.monitoring.drift_counter import DriftCounter
from churn_api.monitoring.hourly_counts import HourKey, compact, read
from churn_api.monitoring.unwritten_counts import MAX_HOURS, UnwrittenCounts
from churn_api.registry.model import load_model
from churn_api.serving.data_plane import DataPlane
from churn_api.serving.prediction_options import Options
from churn_api.store.database import Database, DatabaseAway
from churn_api.store.monitoring_tables import WATCH_HOURS
from churn_api.store.schema import upgrade

NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
KEEP_DAYS = 400


@pytest.fixture(scope="module")
def model(models_dir):
    return load_model(models_dir / "small" / "1")


def records(rows, seed=1):
    table = customers(rows, seed).drop(columns="Churn").astype(object)
    return [row.dropna().to_dict() for _, row in table.iterrows()]


class Predicting:
    """A process that predicts and counts."""

    def __init__(self, model, database, now=NOW):
        self.model, self.now = model, now
        self.counter = DriftCounter(database, KEEP_DAYS, lambda: self.now)
        self.plane = DataPlane()
        self.plane.observe(self.counter)

    def one_by_one(self, sent):
        for record in sent:
            batch = self.model.reader.read_one(orjson.dumps(record, default=lambda value: value.item()))
            self.plane.predict(self.model, batch, Options(), many=False)

    def together(self, sent):
        body = orjson.dumps({"customers": sent}, default=lambda value: value.item())
        batch = self.model.reader.read_many(body, 10_000)
        self.plane.predict(self.model, batch, Options(), many=True)


def counted(database, model, since=NOW - timedelta(days=1)):
    hours = read(database, "small", "1", since, datetime.now(UTC) + timedelta(days=1))
    return [model.bins.split(hour.counts) for hour in hours]


def test_of_many_processes(database, model):
    """Single records, batches and several processes add up to what one process counts of all."""
    sent = records(300)
    first, second = Predicting(model, database), Predicting(model, database)
    first.one_by_one(sent[:270])
    second.together(sent[270:])
    for process in (first, second, first):
        process.counter.flush()
    (together,) = counted(database, model)
    alone = model.bins.split(model.bins.count(*_scored(model, sent)))
    assert together.rows == 300
    assert [each.tolist() for each in together.features] == [each.tolist() for each in alone.features]
    assert together.sums == pytest.approx(alone.sums)


def _scored(model, sent):
    body = orjson.dumps({"customers": sent}, default=lambda value: value.item())
    columns = model.reader.read_many(body, 10_000).columns
    return columns, model.score(columns)


def test_written_again(database, model):
    """Counts that are written twice, as after an answer of the database that was lost, count once."""
    process = Predicting(model, database)
    process.together(records(20))
    process.counter.flush()
    process.together(records(5))
    process.counter.flush()
    process.counter.flush()
    assert [each.rows for each in counted(database, model)] == [25]


def test_hours(database, model):
    """Each hour has its own counts."""
    process = Predicting(model, database)
    for hours in range(3):
        process.now = NOW + timedelta(hours=hours)
        process.one_by_one(records(hours + 1))
        process.counter.flush()
    assert [each.rows for each in counted(database, model)] == [1, 2, 3]


def test_while_the_database_is_away(database, model, monkeypatch):
    """Nothing is lost while the database is away, in which hour it ever was counted."""
    process = Predicting(model, database)

    def away(*_):
        raise DatabaseAway("away")

    with monkeypatch.context() as patched:
        patched.setattr("churn_api.monitoring.drift_counter.write", away)
        for hours in range(3):
            process.now = NOW + timedelta(hours=hours)
            process.together(records(10))
            with pytest.raises(DatabaseAway):
                process.counter.flush()
    process.counter.flush()
    assert [each.rows for each in counted(database, model)] == [10, 10, 10]


def test_after_a_fork(instance, model):
    """A forked process writes what it counts itself, and not again what its parent has counted."""
    database = Database(f"sqlite:///{instance / 'churn.db'}")
    process = Predicting(model, database)
    process.together(records(7))
    database.close()
    child = os.fork()
    if child == 0:
        try:
            process.together(records(2))
            process.one_by_one(records(3))
            process.counter.flush()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    process.counter.flush()
    assert [each.rows for each in counted(database, model)] == [12]
    database.close()


def test_threads(database, model):
    """Threads that predict at once lose no count."""
    process = Predicting(model, database)
    threads = [threading.Thread(target=process.one_by_one, args=(records(300, seed),)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process.counter.flush()
    assert [each.rows for each in counted(database, model)] == [1200]


def count_before(database, model, rows, **ago):
    """A process that counted some time ago."""
    process = Predicting(model, database, now=datetime.now(UTC) - timedelta(**ago))
    process.together(records(rows))
    process.counter.flush()


def stored_rows(database):
    with database.reading() as connection:
        return len(connection.execute(select(WATCH_HOURS)).all())


def test_compaction(database, model):
    """Finished hours become one row each, which has the same counts; hours that are too old are deleted."""
    for number in range(4):
        count_before(database, model, 10 * (number + 1), hours=30 + number % 2)
    count_before(database, model, 5, days=50)
    since = datetime.now(UTC) - timedelta(days=100)
    before = counted(database, model, since)
    for _ in range(2):
        compact(database, keep_days=40)
    after = counted(database, model, since)
    assert [each.rows for each in before] == [5, 60, 40]
    assert [each.rows for each in after] == [60, 40]
    assert stored_rows(database) == 2
    assert all(one.sums == pytest.approx(other.sums) for one, other in zip(before[1:], after, strict=True))


def test_compaction_by_many(database_url, model):
    """Processes that compact at the same moment lose nothing and count nothing twice."""
    database = Database(database_url)
    upgrade(database)
    for hours in range(26, 34):
        for rows in (3, 4, 5):
            count_before(database, model, rows, hours=hours)
    others = [Database(database_url) for _ in range(4)]
    begin = threading.Barrier(len(others))

    def compact_with_others(one):
        begin.wait()
        compact(one, keep_days=40)

    with ThreadPoolExecutor(len(others)) as pool:
        list(pool.map(compact_with_others, others))
    since = datetime.now(UTC) - timedelta(days=10)
    assert [each.rows for each in counted(database, model, since)] == [12] * 8
    assert stored_rows(database) == 8
    for each in (database, *others):
        each.dispose()


def test_every_process_compacts(database, model, monkeypatch):
    """Every process that counts compacts too, once an hour: no job worker is needed."""
    for _ in range(3):
        count_before(database, model, 4, hours=30)
    process = Predicting(model, database)
    monkeypatch.setattr("churn_api.monitoring.drift_counter.FLUSH_SECONDS", 0)
    process.counter.flush_if_due()
    assert stored_rows(database) == 1
    for _ in range(2):
        count_before(database, model, 4, hours=30)
    process.counter.flush_if_due()
    assert stored_rows(database) == 3
    process.now += timedelta(hours=1)
    process.counter.flush_if_due()
    assert stored_rows(database) == 1


def test_kept_hours_are_bounded():
    """Without a database a process keeps a bounded number of hours, and gives up the oldest first."""
    counts = UnwrittenCounts()
    for number in range(MAX_HOURS + 7):
        counts.add(HourKey("m", "1", NOW + timedelta(hours=number)), np.ones(2))
    kept = counts.changed()
    assert len(kept) == MAX_HOURS
    assert min(key.hour for key in kept) == NOW + timedelta(hours=7)
