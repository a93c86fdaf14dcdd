"""The costs of models in the database."""

import threading

import pytest

from churn_api.registry.catalog import Catalog
from churn_api.registry.decision import CostsInForce
from churn_api.scoring.costs import Costs
from churn_api.store.audit import latest_entries
from churn_api.store.database import Database

COSTS = Costs(offer=10, contact=1, value=200, success=0.3)
BY_CHARGE = Costs(offer=10, contact=1, value="MonthlyCharges", success=0.3, months=12, margin=0.5)


@pytest.fixture
def catalog(database):
    catalog = Catalog(database)
    catalog.register_new({"small": {"1": "a" * 64}, "other": {"1": "b" * 64}}, by="tests")
    return catalog


def test_every_change_is_a_version(catalog, database):
    """The latest costs are in force; earlier ones, and their removal, stay as versions, and the audit has each."""
    for costs in (COSTS, BY_CHARGE, None, COSTS):
        catalog.set_costs("small", costs, by="someone")
    entries = catalog.read()
    assert entries["small"].costs == CostsInForce(4, COSTS)
    assert entries["other"].costs is None
    versions = catalog.cost_versions("small", 3)
    assert [(one.policy, one.costs) for one in versions] == [(4, COSTS), (3, None), (2, BY_CHARGE)]
    audited = [entry for entry in latest_entries(database, 10) if entry.action == "models.costs"]
    assert [(entry.actor, entry.subject, entry.detail["policy"]) for entry in audited[:2]] == [
        ("someone", "small", 4),
        ("someone", "small", 3),
    ]
    assert audited[0].detail["costs"]["value"] == 200


def test_removed(catalog):
    """After their removal no costs are in force."""
    catalog.set_costs("small", COSTS, by="someone")
    catalog.set_costs("small", None, by="someone")
    assert catalog.read()["small"].costs is None


def test_many_at_once(catalog, database_url):
    """Of changes at the same moment each gets a number of its own."""

    def set_some():
        database = Database(database_url)
        for _ in range(5):
            Catalog(database).set_costs("small", COSTS, by="someone")
        database.close()

    threads = [threading.Thread(target=set_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.policy for one in catalog.cost_versions("small", 50)] == list(range(20, 0, -1))
