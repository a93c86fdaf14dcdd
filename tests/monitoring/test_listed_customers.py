"""Who was on a call list is remembered by key, and forgotten by age and on request."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.erasures import erase
from churn_api.monitoring.listed_customers import ListedCustomers
from churn_api.serving.call_list_options import ListedGroups
from churn_api.store.monitoring_tables import LISTED_CUSTOMERS

KEYS = CustomerKeys(b"secret")


@pytest.fixture
def lists(database):
    return ListedCustomers(database, KEYS, keep_days=400)


def groups(job, *customers, horizon=30):
    return ListedGroups(job, "small", horizon, list(customers))


def rows(database):
    with database.reading() as connection:
        return connection.execute(select(LISTED_CUSTOMERS)).all()


def test_recorded(database, lists):
    """A list is recorded once, however often its job does so; customers stand there by key and day."""
    for _ in range(2):
        lists.record(groups("one", ("C1", True), ("C2", False), ("C1", True)))
    lists.record(groups("two", (3, True), horizon=90))
    found = {(row.job, row.customer): row for row in rows(database)}
    assert set(found) == {("one", KEYS.key("C1")), ("one", KEYS.key("C2")), ("two", KEYS.key("3"))}
    assert [found["one", KEYS.key(name)].called for name in ("C1", "C2")] == [True, False]
    row = found["two", KEYS.key("3")]
    assert row.due - row.listed_on == timedelta(days=90)


def test_made_again(database, lists):
    """Customers of a list that is made again keep their first day; who is new has today, who is left out is gone."""
    lists.record(groups("one", ("C1", True), ("C2", True)))
    today = rows(database)[0].listed_on
    with database.transaction() as connection:
        connection.execute(update(LISTED_CUSTOMERS).values(listed_on=today - timedelta(days=7)))
    lists.record(groups("one", ("C1", True), ("C3", False)))
    found = {row.customer: (row.listed_on, row.due) for row in rows(database)}
    first = today - timedelta(days=7)
    assert found == {
        KEYS.key("C1"): (first, first + timedelta(days=30)),
        KEYS.key("C3"): (today, today + timedelta(days=30)),
    }


def test_forgotten(database, lists):
    """A list that is older than predictions are kept is forgotten with the next one, an erased customer at once."""
    lists.record(groups("old", ("C1", True)))
    with database.transaction() as connection:
        connection.execute(update(LISTED_CUSTOMERS).values(listed_on=rows(database)[0].listed_on - timedelta(days=401)))
    lists.record(groups("new", ("C1", True), ("C2", False)))
    assert {row.job for row in rows(database)} == {"new"}
    erase(database, KEYS.key("C1"), by="someone")
    assert {row.customer for row in rows(database)} == {KEYS.key("C2")}
