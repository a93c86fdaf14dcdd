"""The effect of calling, from lists and outcomes."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from churn_api.monitoring.call_effect import Group
from churn_api.monitoring.call_effect_reader import measured_effect
from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.listed_customers import ListedCustomers
from churn_api.monitoring.outcome_store import declare_complete
from churn_api.serving.call_list_options import ListedGroups
from churn_api.store.monitoring_tables import LISTED_CUSTOMERS, OUTCOMES

KEYS = CustomerKeys(b"secret")
TODAY = datetime.now(UTC).date()


class Company:
    """A company that calls, and reports who left."""

    def __init__(self, database):
        self.database = database
        self.lists = ListedCustomers(database, KEYS, keep_days=400)

    def call(self, job, customers, days_ago, model="small"):
        """A list of so many days ago, with a horizon of 30 days."""
        self.lists.record(ListedGroups(job, model, 30, customers))
        on = TODAY - timedelta(days=days_ago)
        with self.database.transaction() as connection:
            of_job = update(LISTED_CUSTOMERS).where(LISTED_CUSTOMERS.c.job == job)
            connection.execute(of_job.values(listed_on=on, due=on + timedelta(days=30)))

    def left(self, names, days_ago, **others):
        row = {"model": "small", "by_request": False, "left": True, "contacted": False, "received_by": "someone"}
        row |= {"day": TODAY - timedelta(days=days_ago), "received_at": datetime.now(UTC), "known": True}
        with self.database.transaction() as connection:
            connection.execute(insert(OUTCOMES), [row | {"subject": KEYS.key(name)} | others for name in names])

    def complete(self, days_ago):
        declare_complete(self.database, "small", TODAY - timedelta(days=days_ago), by="someone")


@pytest.fixture
def company(database):
    return Company(database)


def named(prefix, customers):
    return [f"{prefix}{number}" for number in range(customers)]


def test_effect(company, database):
    """Customers of mature lists count in their group, who left within the horizon as leavers."""
    called, control = named("call", 300), named("control", 100)
    company.call("one", [(name, True) for name in called] + [(name, False) for name in control], days_ago=60)
    company.left(called[:60], days_ago=40)
    company.left(control[:40], days_ago=31)
    company.left(control[40:60], days_ago=29)  # after the horizon
    company.left(called[60:80], days_ago=60)  # before the list, for all that is known
    company.left(called[80:90], days_ago=50, left=False)
    company.left(called[90:95], days_ago=50, replaced_at=datetime.now(UTC))
    company.left(called[95:99], days_ago=50, model="other")
    company.complete(days_ago=31)
    assert measured_effect(database, "small").called.customers == 0  # some of the horizon is not reported yet
    company.complete(days_ago=30)
    effect = measured_effect(database, "small")
    assert (effect.called, effect.control) == (Group(300, 60), Group(100, 40))
    assert effect.reduction.value == pytest.approx(0.2)
    assert effect.success.value == pytest.approx(0.5)
    assert effect.is_measured
    assert measured_effect(database, "other").called == Group(0, 0)


def test_first_list_counts(company, database):
    """A customer who is on a second list within the horizon counts once, in the group of the first."""
    company.call("one", [("C1", True), ("C2", False)], days_ago=70)
    company.call("two", [("C1", False), ("C3", False)], days_ago=50)
    company.call("three", [("C2", True)], days_ago=35)
    company.complete(days_ago=0)
    effect = measured_effect(database, "small")
    assert (effect.called.customers, effect.control.customers) == (2, 2)
