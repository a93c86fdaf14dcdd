"""Compaction: everything that was logged is in the Parquet files once, whatever is killed and whoever compacts."""

import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from log_frames import KEYS, SECRET, block, log_answers
from sqlalchemy import insert, select

from churn_api.contract.columns import Columns
from churn_api.monitoring.erasures import erase
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.log_maintenance import LogMaintenance
from churn_api.monitoring.logged_predictions import logged_days
from churn_api.monitoring.open_segment import OpenSegment
from churn_api.monitoring.prediction_logger import PredictionLogger
from churn_api.monitoring.segments import closed_segments
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import EXPERIMENT_COUNTS, EXPERIMENTS

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path):
    return LogFolder(tmp_path / "log")


@pytest.fixture
def database(instance):
    database = Database(f"sqlite:///{instance / 'churn.db'}")
    yield database
    database.close()


def maintenance(folder, database, keep_days=400):
    return LogMaintenance(folder, database, KEYS, SECRET, keep_days)


def read(folder, database, *columns):
    days = logged_days(folder, database, "small", columns)
    return [row for day in days for row in zip(*day.table.to_pydict().values(), strict=True)]


def test_columns(folder, database):
    """A prediction is a row with its time, request, position, customer's key, version and threshold, in its day."""
    at = datetime(2026, 3, 1, 23, 59, 59, 5, tzinfo=UTC)
    log_answers(folder, ["ann"], at)
    assert maintenance(folder, database).run().rows == 1
    (day,) = logged_days(folder, database, "small")
    assert day.day == date(2026, 3, 1)
    assert day.table.to_pylist() == [
        {
            "at": at,
            "request_id": "ann",
            "row": 0,
            "customer": KEYS.key("ann"),
            "version": "1",
            "variant": "live",
            "probability": 0.0,
            "threshold": 0.5,
            "churn": False,
        }
    ]
    assert list(folder.segments.iterdir()) == []


def test_few_files(folder, database):
    """Further predictions of a day go into the same file, one for each version."""
    for turn in range(5):
        log_answers(folder, [f"{turn}-{number}" for number in range(10)])
        log_answers(folder, [f"{turn}"], version="2")
        maintenance(folder, database).run()
    (day,) = folder.days("small")
    assert sorted(path.name.split("-")[1] for path in day.parts()) == ["1", "2"]
    assert len(set(read(folder, database, "request_id"))) == 55


class Killed(BaseException):
    """In place of a kill: nothing that follows runs."""


def kill_at(step, monkeypatch):
    """Let the n-th change of a file name, or deletion of a file, not happen, as a kill would."""
    steps = iter(range(1000))

    def guarded(change):
        def run(*arguments, **options):
            if next(steps) == step:
                raise Killed
            return change(*arguments, **options)

        return run

    for name in ("replace", "unlink", "rename"):
        monkeypatch.setattr(Path, name, guarded(getattr(Path, name)))


@pytest.mark.parametrize("step", range(14))
def test_killed_at_any_moment(folder, database, monkeypatch, step):
    """Compaction that is killed between any two of its changes loses nothing, and adds nothing twice."""
    monkeypatch.setattr("churn_api.monitoring.log_compaction.MAX_ROWS", 7)
    names = [f"{segment}-{number}" for segment in range(4) for number in range(10)]
    for segment in range(4):
        log_answers(folder, names[segment * 10 : segment * 10 + 6])
        log_answers(folder, names[segment * 10 + 6 : segment * 10 + 10], NOW - timedelta(days=1))
    with monkeypatch.context() as patched:
        kill_at(step, patched)
        with pytest.raises(Killed):
            maintenance(folder, database).run()
    maintenance(folder, database).run()
    assert Counter(read(folder, database, "request_id")) == Counter((name,) for name in names)
    assert list(folder.segments.iterdir()) == []
    assert not list(folder.path.rglob(".unfinished-*"))


def test_a_block_that_is_scored_again(folder, database):
    """A job's block that two workers have logged counts once, in one run of compaction or in two."""
    for numbers in ([0, 1], [1, 2], [2]):
        log = PredictionLogger(folder.segments, SECRET, records=False)
        for number in numbers:
            log.block_predicted(*block(number, [f"{number}-{row}" for row in range(3)]))
        log.close()
        if numbers != [0, 1]:
            maintenance(folder, database).run()
    rows = read(folder, database, "request_id", "row")
    assert sorted(rows) == [("job", 100 * number + row) for number in range(3) for row in range(3)]


def test_two_at_once(folder, database):
    """While one process maintains a folder, another does nothing."""
    log_answers(folder, ["ann"])
    with folder.alone() as alone:
        assert alone
        assert maintenance(folder, database).run() is None
    assert maintenance(folder, database).run().rows == 1


def test_an_erasure(folder, database):
    """Erasing a customer removes what is in files, and what is compacted later though it was logged before."""
    log_answers(folder, ["ann", "bob"])
    maintenance(folder, database).run()
    log_answers(folder, ["ann", "bob"])
    at = erase(database, KEYS.key("ann"), by="tests")
    log_answers(folder, ["ann"], at + timedelta(seconds=1), "afterwards")
    assert maintenance(folder, database).run().erased_files == 1
    (part,) = folder.days("small")[0].parts()
    stored = pyarrow.parquet.read_table(part, columns=["request_id"], partitioning=None).column(0).to_pylist()
    assert sorted(stored) == ["afterwards", "bob", "bob"]
    assert maintenance(folder, database).run().erased_files == 0


def test_an_erasure_on_two_machines(tmp_path, database):
    """Machines with folders of their own each erase what they have, and remember that they did."""
    folders = [LogFolder(tmp_path / name) for name in ("one", "two")]
    for folder in folders:
        log_answers(folder, ["ann", "bob"])
        maintenance(folder, database).run()
    erase(database, KEYS.key("ann"), by="tests")
    for folder in folders:
        assert maintenance(folder, database).run().erased_files == 1
        assert maintenance(folder, database).run().erased_files == 0
        (part,) = folder.days("small")[0].parts()
        assert pyarrow.parquet.read_table(part, columns=["request_id"]).column(0).to_pylist() == ["bob"]


def test_retention(folder, database):
    """Days that are older than they are kept are removed; the last one that is kept stays."""
    for days in (0, 10, 11):
        log_answers(folder, [str(days)], NOW - timedelta(days=days))
    # What a run that was killed has left.
    half_removed = folder.day("small", NOW.date()).path.with_name(".removed-day=2020-01-01")
    half_removed.mkdir(parents=True)
    assert maintenance(folder, database, keep_days=10).run().removed_days == 1
    assert read(folder, database, "request_id") == [("10",), ("0",)]
    assert not half_removed.exists()


def test_retention_of_experiments(folder, database):
    """What processes counted of an experiment is removed when it ended longer ago; its row stays as evidence."""
    ends = {"running": None, "recent": NOW - timedelta(days=9), "old": NOW - timedelta(days=11)}
    common = {"model": "small", "champion": "1", "challenger": "2", "mode": "shadow", "share": 0, "salt": ""}
    common |= {"started_at": NOW - timedelta(days=90), "started_by": "tests"}
    with database.transaction() as connection:
        connection.execute(insert(EXPERIMENTS), [common | {"id": one, "stopped_at": end} for one, end in ends.items()])
        rows = [{"experiment": one, "source": source, "counts": b""} for one in ends for source in "ab"]
        connection.execute(insert(EXPERIMENT_COUNTS), rows)
    maintenance(folder, database, keep_days=10).run()
    with database.reading() as connection:
        counted = set(connection.execute(select(EXPERIMENT_COUNTS.c.experiment)).scalars())
        known = set(connection.execute(select(EXPERIMENTS.c.id)).scalars())
    assert (counted, known) == ({"running", "recent"}, set(ends))


def test_another_secret(folder, database, caplog):
    """A segment whose identifiers another secret has encrypted is set aside, and others are compacted."""
    OpenSegment(folder.segments, b"another secret of 32 characters or more").close()
    log_answers(folder, ["bob"])
    maintenance(folder, database).run()
    assert [path.suffix for path in folder.segments.iterdir()] == [".unreadable"]
    assert read(folder, database, "request_id") == [("bob",)]
    assert "set aside" in caplog.text


def test_a_cut_off_segment(folder, database):
    """Of a segment whose end is cut off, the answers before it are compacted."""
    log_answers(folder, ["ann", "bob"])
    (path,) = closed_segments(folder.segments)
    os.truncate(path, path.stat().st_size - 1)
    maintenance(folder, database).run()
    assert read(folder, database, "request_id") == [("ann",)]


def test_features(folder, database):
    """With records the features are columns of `record`: missing values are null, and names need no care."""
    log = PredictionLogger(folder.segments, SECRET, records=True)
    log.block_predicted(*block(0, [1, 2], Columns(np.array([[12.0], [np.nan]]), np.array([["a"], [""]], object))))
    log.close()
    maintenance(folder, database).run()
    (part,) = folder.days("small")[0].parts()
    table = pyarrow.parquet.read_table(part, columns=["record"], partitioning=None)
    assert table.column("record").to_pylist() == [{"tenure": 12.0, "plan": "a"}, {"tenure": None, "plan": None}]
