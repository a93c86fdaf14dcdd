"""Outcomes in the database, on SQLite and PostgreSQL."""

import threading
from datetime import date

import pytest

from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.erasures import erase
from churn_api.monitoring.outcome_arrays import day_states, read_outcomes
from churn_api.monitoring.outcome_record import Outcome
from churn_api.monitoring.outcome_store import store
from churn_api.store.database import Database

KEYS = CustomerKeys(b"a secret of the tests")
DAY = date(2026, 3, 1)


def outcome(number, *, left=True, day=DAY):
    return Outcome(KEYS.key(number), by_request=False, day=day, left=left, contacted=False)


def read(database):
    outcomes, _ = read_outcomes(database, "default", date(2026, 1, 1), date(2026, 12, 31))
    return sorted(zip(outcomes.subjects.tolist(), outcomes.days.tolist(), outcomes.left.tolist(), strict=True))


def test_last_word(database):
    """Of all that was said of a customer and a day, in one request or several, the last counts."""
    first = [(position, outcome(position, left=position % 2 == 0)) for position in range(1200)]
    assert store(database, "default", first, by="tests").stored == 1200
    second = [(position, outcome(position)) for position in range(1200)]
    receipt = store(database, "default", second, by="tests")
    assert (receipt.unchanged, len(receipt.replaced)) == (600, 600)
    found = read(database)
    assert len(found) == 1200
    assert all(left for _, _, left in found)


def test_state(database):
    """The state of a day changes with every correction and erasure, and only then."""
    store(database, "default", [(0, outcome(1)), (1, outcome(2))], by="tests")
    before = day_states(database, "default")
    store(database, "default", [(0, outcome(1))], by="tests")
    assert day_states(database, "default") == before
    store(database, "default", [(0, outcome(1, left=False))], by="tests")
    corrected = day_states(database, "default")
    assert corrected != before
    erase(database, KEYS.key(2), by="tests")
    assert day_states(database, "default") != corrected
    assert len(read(database)) == 1


@pytest.mark.parametrize("posts", [6])
def test_at_once(database_url, database, posts):
    """Machines that report the same rows at the same time store each once."""
    rows = [(position, outcome(position)) for position in range(300)]
    receipts = []

    def report():
        own = Database(database_url)
        receipts.append(store(own, "default", rows, by="tests"))
        own.close()

    threads = [threading.Thread(target=report) for _ in range(posts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(receipt.stored for receipt in receipts) == 300
    assert sum(receipt.unchanged for receipt in receipts) == 300 * (posts - 1)
    assert len(read(database)) == 300
