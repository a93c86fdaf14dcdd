"""Reading the prediction log: by day, by column, and without erased customers."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet
import pytest

from churn_api.monitoring.erasures import erase, erased_customers, forget_old_erasures
from churn_api.monitoring.log_columns import LOG_SCHEMA
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.logged_predictions import logged_days
from churn_api.store.audit import latest_entries
from churn_api.store.monitoring_tables import ERASURES

NOW = datetime.now(UTC)
ANN, BOB = b"ann's key---", b"bob's key---"


def row(customer, at=NOW, request_id="r", position=0):
    return {
        "at": at,
        "request_id": request_id,
        "row": position,
        "customer": customer,
        "version": "1",
        "variant": "live",
        "probability": 0.25,
        "threshold": 0.5,
        "churn": False,
    }


@pytest.fixture
def folder(tmp_path):
    """A log of two days: today in two files, and two days ago."""
    folder = LogFolder(tmp_path)
    write(folder, "a", [row(ANN), row(BOB), row(None)])
    write(folder, "b", [row(ANN, datetime.now(UTC) + timedelta(minutes=5), "later")])
    write(folder, "a", [row(ANN, NOW - timedelta(days=2), "before")])
    return folder


def write(folder, name, rows):
    day = folder.day("small", rows[0]["at"].date())
    day.path.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, LOG_SCHEMA)
    pyarrow.parquet.write_table(table, day.path / f"part-{name}.parquet")


def read(folder, database, *columns, **options):
    days = logged_days(folder, database, "small", columns, **options)
    return [(day.day, day.table.to_pydict()) for day in days]


def test_days(folder, database):
    """Days come in order, or the newest first, from the first that is wanted, each with the wanted columns only."""
    before, today = NOW.date() - timedelta(days=2), NOW.date()
    output = read(folder, database, "request_id")
    assert output == [(before, {"request_id": ["before"]}), (today, {"request_id": ["r", "r", "r", "later"]})]
    assert read(folder, database, "request_id", newest_first=True) == output[::-1]
    assert read(folder, database, "request_id", since=today) == output[1:]
    assert read(LogFolder(folder.path / "nowhere"), database, "row") == []


def test_an_erased_customer_is_not_read(folder, database):
    """What was predicted for a customer before the erasure is never read, what came afterwards is; others stay."""
    erase(database, ANN, by="tests")
    assert [day["request_id"] for _, day in read(folder, database, "request_id")] == [[], ["r", "r", "later"]]
    (_, today) = read(folder, database, "customer", "probability")[1]
    assert today == {"customer": [BOB, None, ANN], "probability": [0.25] * 3}


def test_erased_again(database):
    """Erasing a customer again moves the moment; the audit has each act with the key."""
    first = erase(database, ANN, by="tests")
    second = erase(database, ANN, by="tests")
    assert first < second == erased_customers(database)[ANN]
    entries = [(entry.action, entry.subject) for entry in latest_entries(database, 10)]
    assert entries == [("predictions.erase", ANN.hex())] * 2


def test_old_erasures_are_forgotten(database):
    """An erasure is forgotten when retention has removed all that was predicted before it, and not earlier."""
    erase(database, ANN, by="tests")
    erase(database, BOB, by="tests")
    with database.transaction() as connection:
        old = ERASURES.c.customer == BOB
        connection.execute(ERASURES.update().where(old).values(at=NOW - timedelta(days=12)))
    forget_old_erasures(database, 10)
    assert set(erased_customers(database)) == {ANN}


def test_folders(folder):
    """The folder lists the models and days that have predictions, as its paths name them."""
    assert folder.models() == ["small"]
    assert [day.day for day in folder.days("small")] == [NOW.date() - timedelta(days=2), NOW.date()]
    assert folder.day("small", date(2026, 3, 1)).path == folder.path / "predictions/model=small/day=2026-03-01"
