from multiprocessing import get_context

import pytest

from churn_api.registry.catalog import Catalog, Conflict
from churn_api.store import change_counters
from churn_api.store.audit import latest_entries
from churn_api.store.database import Database

BUNDLES = {"small": {"1": "a" * 64, "2": "b" * 64}, "odd": {"1": "c" * 64}}


@pytest.fixture
def catalog(database):
    catalog = Catalog(database)
    catalog.register_new(BUNDLES, by="start")
    for name, version in (("small", "2"), ("odd", "1")):
        catalog.set_live(name, version, by="test")
    return catalog


def revision(database):
    with database.reading() as connection:
        return change_counters.read(connection)["models"]


def test_found_at_the_start(database):
    """What a folder holds is registered with its digests, which the audit has with the actor, and nothing is live."""
    catalog = Catalog(database)
    assert sorted(catalog.register_new(BUNDLES, by="start (here)")) == [("odd", "1"), ("small", "1"), ("small", "2")]
    known = catalog.read()
    assert {name: (dict(entry.digests), entry.live, entry.generation) for name, entry in known.items()} == {
        "small": (BUNDLES["small"], None, 0),
        "odd": (BUNDLES["odd"], None, 0),
    }
    assert revision(database) == 1
    assert {(act.actor, act.action, act.subject) for act in latest_entries(database, 10)} == {
        ("start (here)", "models.register", subject) for subject in ("small/1", "small/2", "odd/1")
    }


def test_found_again(catalog, database):
    """Registered versions do not change: a newer one is registered and not live, a changed one keeps its digest."""
    catalog.set_live("small", "1", by="test")
    before = revision(database)
    assert catalog.register_new(BUNDLES, by="start") == []
    assert revision(database) == before
    assert catalog.register_new({"small": {"2": "changed", "3": "d" * 64}}, by="start") == [("small", "3")]
    entry = catalog.read()["small"]
    assert (dict(entry.digests), entry.live) == (BUNDLES["small"] | {"3": "d" * 64}, "1")


def test_versions_are_in_order(catalog):
    """Version 10 comes after version 9."""
    catalog.register_new({"many": {str(number): "x" for number in (10, 9, 1)}}, by="start")
    assert list(catalog.read()["many"].digests) == ["1", "9", "10"]


def test_registered_with_other_files(catalog):
    """A version can be registered again as it is, and not with other files."""
    catalog.register("small", "2", "b" * 64, by="test")
    with pytest.raises(Conflict, match="other files"):
        catalog.register("small", "2", "e" * 64, by="test")


def test_unload(catalog):
    """A model that is unloaded has versions and none that is live; it can be made live again."""
    catalog.unload("small", by="test")
    assert catalog.read()["small"].live is None
    with pytest.raises(Conflict):
        catalog.unload("small", by="test")
    catalog.register_new(BUNDLES, by="start")
    assert catalog.read()["small"].live is None
    catalog.set_live("small", "1", by="test")
    assert catalog.read()["small"].live == "1"


def test_every_act_counts(catalog, database):
    """Every act is counted, so that workers see it, and is in the audit."""
    catalog.register("small", "3", "d" * 64, by="anna")
    catalog.set_live("small", "3", by="ben")
    catalog.unload("small", by="cleo")
    assert revision(database) == 6
    assert [(act.actor, act.action) for act in latest_entries(database, 3)] == [
        ("cleo", "models.unload"),
        ("ben", "models.live"),
        ("anna", "models.register"),
    ]


def _register_new(url):
    database = Database(url)
    Catalog(database).register_new(BUNDLES, by="start")
    database.close()


def test_machines_that_start_at_once(database, database_url):
    """Machines that start at the same moment on an empty catalogue all start, and register everything once."""
    processes = [get_context("spawn").Process(target=_register_new, args=(database_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert dict(Catalog(database).read()["small"].digests) == BUNDLES["small"]
    assert len(latest_entries(database, 10)) == 3
