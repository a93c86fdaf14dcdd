"""What the worker computes: again where something has changed, each period at once or not at all."""

import threading
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from conftest import HORIZON
from office import until, working
from prediction_logs import KEYS, Logged, write_day
from sklearn.metrics import roc_auc_score
from sqlalchemy import select

from churn_api.config import load_settings
from churn_api.monitoring import quality_store
from churn_api.monitoring.erasures import erase
from churn_api.monitoring.labelled_periods import Period
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.outcome_record import Outcome
from churn_api.monitoring.outcome_store import declare_complete, store
from churn_api.monitoring.quality_document import quality_document
from churn_api.monitoring.quality_update import QualityUpdate
from churn_api.monitoring.version_facts import VersionFacts
from churn_api.registry.bundle import bundle_digests
from churn_api.services import Services
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import QUALITY_DAYS, QUALITY_PERIODS

FIRST = Period.of(datetime.now(UTC).date() - timedelta(days=90), HORIZON).first
DAY = timedelta(days=1)
NOON = time(12, tzinfo=UTC)


def updates(database, folder, keep_days=400.0, horizons=None):
    chosen = {"default": {"1": HORIZON}} if horizons is None else horizons
    return QualityUpdate(database, LogFolder(folder), lambda: chosen, KEYS, keep_days)


def predicted(folder, periods=3, customers=120):
    """So many customers on the first day of each period, half of whom leave; returns who is predicted what."""
    rng = np.random.default_rng(3)
    found = {}
    for period in range(periods):
        day = FIRST + period * HORIZON * DAY
        rows = [
            Logged(datetime.combine(day, NOON), customer=f"{period}-{n}", probability=float(rng.random()))
            for n in range(customers)
        ]
        write_day(LogFolder(folder), "default", rows)
        found |= {row.customer: row for row in rows}
    return found


def leaves(customer, day, *, left=True):
    return (0, Outcome(KEYS.key(customer), by_request=False, day=day, left=left, contacted=False))


def report(database, predictions, later=3):
    """Every second customer leaves some days after the prediction; all is complete."""
    leavers = [one for one in predictions.values() if int(one.customer.split("-")[1]) % 2 == 0]
    store(database, "default", [leaves(one.customer, one.at.date() + later * DAY) for one in leavers], by="tests")
    declare_complete(database, "default", FIRST + 60 * DAY, by="tests")
    return {one.customer for one in leavers}


def document(database):
    return quality_document(database, "default", {"1": VersionFacts(HORIZON, {}, 0.0)}, "1", HORIZON)


def windows(database):
    """Predictions and leavers by window."""
    (version,) = document(database)["versions"]
    return [(one["predictions"], one["leavers"]) for one in version["windows"]]


def computed(database):
    """When each period was computed."""
    with database.reading() as connection:
        rows = connection.execute(select(QUALITY_PERIODS.c.first, QUALITY_PERIODS.c.computed_at))
        return {row.first: row.computed_at for row in rows}


def stored_days(database):
    with database.reading() as connection:
        return sorted(map(tuple, connection.execute(select(QUALITY_DAYS))), key=repr)


def test_figures(database, tmp_path):
    """The areas are those of the predictions and outcomes themselves."""
    predictions = predicted(tmp_path)
    leavers = report(database, predictions)
    updates(database, tmp_path).run()
    (version,) = document(database)["versions"]
    for number, window in enumerate(version["windows"]):
        rows = [one for name, one in predictions.items() if name.startswith(f"{number}-")]
        true = roc_auc_score([one.customer in leavers for one in rows], [one.probability for one in rows])
        assert window["roc_auc"]["value"] == pytest.approx(true, abs=2e-3)
    assert windows(database) == [(120, 60)] * 3


def test_only_what_changed(database, tmp_path):
    """A late outcome, a correction or an erasure computes its own period again, and nothing else does."""
    report(database, predicted(tmp_path))
    update = updates(database, tmp_path)
    update.run()
    first = computed(database)
    update.run()
    assert computed(database) == first
    store(database, "default", [leaves("1-1", FIRST + 22 * DAY)], by="tests")
    update.run()
    late = computed(database)
    # Its day is within the horizon of two periods.
    assert {day for day in late if late[day] != first[day]} == {FIRST + 10 * DAY, FIRST + 20 * DAY}
    assert windows(database) == [(120, 60), (120, 60), (120, 60)]
    store(database, "default", [leaves("1-1", FIRST + 15 * DAY)], by="tests")
    update.run()
    assert windows(database) == [(120, 60), (120, 61), (120, 60)]
    store(database, "default", [leaves("1-1", FIRST + 15 * DAY, left=False)], by="tests")
    update.run()
    assert windows(database) == [(120, 60), (120, 60), (120, 60)]


def test_erased(database, tmp_path):
    """Outcomes of an erased customer are gone at once, and figures follow."""
    report(database, predicted(tmp_path))
    update = updates(database, tmp_path)
    update.run()
    erase(database, KEYS.key("1-0"), by="tests")
    update.run()
    assert windows(database) == [(120, 60), (119, 59), (120, 60)]


def test_maturity_moves(database, tmp_path):
    """What is not complete does not count; taking a declaration back takes its figures back."""
    report(database, predicted(tmp_path))
    update = updates(database, tmp_path)
    for days, expected in ((9, []), (10, [(120, 60)]), (25, [(120, 60)] * 2), (60, [(120, 60)] * 3), (12, [(120, 60)])):
        declare_complete(database, "default", FIRST + days * DAY, by="tests")
        update.run()
        assert windows(database) == expected


@pytest.mark.parametrize("step", range(4))
def test_killed(database, tmp_path, monkeypatch, step):
    """A worker that ends at any step of a period leaves the figures of before; the next one completes them."""
    predictions = predicted(tmp_path)
    report(database, predictions)
    update = updates(database, tmp_path)
    update.run()
    complete = stored_days(database)
    store(database, "default", [leaves("1-1", FIRST + 15 * DAY)], by="tests")
    calls = iter(range(100))
    name = "mark_known" if step == 3 else "insert" if step else "delete"
    real = getattr(quality_store, name)

    def killed(*arguments):
        if next(calls) == (step - 1 if name == "insert" else 0):
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(quality_store, name, killed)
        with pytest.raises(KeyboardInterrupt):
            update.run()
    assert stored_days(database) == complete
    update.run()
    assert windows(database) == [(120, 60), (120, 61), (120, 60)]


def test_two_machines(database_url, database, tmp_path):
    """Workers on two machines with one log compute each figure once; with a log each, the figures are of both."""
    report(database, predicted(tmp_path / "one") | predicted(tmp_path / "two"))
    workers = [updates(Database(database_url), tmp_path / name) for name in ("one", "one", "two", "two")]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.run()
        worker._database.close()
    assert windows(database) == [(240, 120)] * 3
    assert document(database)["unknown_outcomes"] == 0


def test_retention(database, tmp_path):
    """When the log forgets a day, the figures of its period stay as they are."""
    report(database, predicted(tmp_path))
    updates(database, tmp_path).run()
    age = (datetime.now(UTC).date() - FIRST).days
    LogFolder(tmp_path).day("default", FIRST).parts()[0].unlink()
    updates(database, tmp_path, keep_days=age - 1).run()
    assert windows(database) == [(120, 60)] * 3


def test_without_horizon(database, tmp_path):
    """Versions that do not say within how many days customers leave are not measured; the advice says what to do."""
    report(database, predicted(tmp_path))
    updates(database, tmp_path, horizons={}).run()
    found = quality_document(database, "default", {"1": VersionFacts(None, {}, 0.0)}, "1", None)
    assert found["versions"][0]["windows"] == []
    assert any("--horizon-days" in text for text in found["advice"])


def test_worse_than_trained(database, tmp_path):
    """A version alarms where its area is below that of training by more than both vary by chance."""
    report(database, predicted(tmp_path))
    updates(database, tmp_path).run()
    for trained, alert in ((0.5, False), (0.9, True)):
        facts = {"1": VersionFacts(HORIZON, {"roc_auc": trained}, 0.01)}
        assert quality_document(database, "default", facts, "1", HORIZON)["alert"] is alert


def test_unknown(database, tmp_path):
    """Outcomes of customers without a prediction are counted, once their predictions would have been found."""
    report(database, predicted(tmp_path))
    store(database, "default", [leaves(f"nobody {n}", FIRST + 14 * DAY) for n in range(7)], by="tests")
    updates(database, tmp_path).run()
    assert document(database)["unknown_outcomes"] == 7


def test_without_identifier(database, tmp_path):
    """Predictions that no outcome can name do not count, and are told."""
    rows = [Logged(datetime.combine(FIRST, NOON), request_id=f"r{n}") for n in range(40)]
    write_day(LogFolder(tmp_path), "default", rows)
    report(database, predicted(tmp_path, periods=1))
    updates(database, tmp_path).run()
    (version,) = document(database)["versions"]
    assert (version["without_identifier"], windows(database)) == (40, [(120, 60)])


def test_empty(database, tmp_path):
    """Without a log, outcomes or declarations there is nothing to do."""
    updates(database, tmp_path / "none").run()
    declare_complete(database, "default", date(2026, 1, 1), by="tests")
    updates(database, tmp_path / "none").run()
    assert windows(database) == []


def test_worker(models_with_horizon, tmp_path, monkeypatch):
    """The job worker computes what has changed, without being asked."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_with_horizon))
    services = Services(load_settings())
    services.catalog.register_new(bundle_digests(models_with_horizon), by="tests")
    at = datetime.combine(FIRST, NOON)
    write_day(
        services.monitoring.log_folder,
        "small",
        [Logged(at, customer=f"c{n}") for n in range(5)],
        services.monitoring.customer_keys,
    )
    left = Outcome(
        services.monitoring.customer_keys.key("c1"), by_request=False, day=FIRST + DAY, left=True, contacted=False
    )
    store(services.database, "small", [(0, left)], by="tests")
    declare_complete(services.database, "small", FIRST + 30 * DAY, by="tests")
    with working(models_with_horizon, tmp_path / "worker.log"):
        until(lambda: len(stored_days(services.database)) == 1)
    facts = {"1": VersionFacts(HORIZON, {}, 0.0)}
    (version,) = quality_document(services.database, "small", facts, "1", None)["versions"]
    assert [(one["predictions"], one["leavers"]) for one in version["windows"]] == [(5, 1)]
    services.close()
