"""What workers report of themselves, by clocks that are set."""

from datetime import UTC, datetime, timedelta

import pytest

from churn_api.registry import worker_reports as module
from churn_api.registry.live import LiveModels
from churn_api.registry.worker_reports import WorkerReporter, workers
from churn_api.store import clock


def reporter(models_dir):
    return WorkerReporter(LiveModels(models_dir, "default", 4))


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1)])
def test_a_clock_that_is_set_back(database, models_dir, monkeypatch, back):
    """After the clock is set back a worker that lives is reported again within seconds, and one that is gone is not."""
    alive, gone = reporter(models_dir), reporter(models_dir)
    alive.report(database)
    gone.report(database)
    assert len(workers(database)) == 2
    monkeypatch.setattr(clock, "now", lambda _: datetime.now(UTC) - back)
    moment = module.monotonic()
    monkeypatch.setattr(module, "monotonic", lambda: moment + 11)
    alive.report(database)
    assert [worker.pid for worker in workers(database)] == [alive._pid]
    assert len(workers(database)) == 1


def test_machines_whose_clocks_differ(postgres_database, models_dir, monkeypatch):
    """Of machines that share a database, one whose clock is a minute behind or ahead sees the others and is seen."""
    from churn_api.store.database import Database
    from churn_api.store.schema import upgrade

    database = Database(postgres_database)
    upgrade(database)
    for minutes in (-1, 0, 1):

        class Wrong(datetime):
            @classmethod
            def now(cls, zone, minutes=minutes):
                return datetime.now(zone) + timedelta(minutes=minutes)

        for name in ("churn_api.registry.worker_reports.datetime", "churn_api.store.clock.datetime"):
            monkeypatch.setattr(name, Wrong)
        reporter(models_dir).report(database)
        assert len(workers(database)) == minutes + 2
    database.close()
