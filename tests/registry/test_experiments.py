"""Experiments in the database: one a model runs, and every process follows it."""

import shutil
from collections import Counter
from datetime import UTC, datetime
from multiprocessing import get_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_api.registry.bundle import bundle_digests
from churn_api.registry.catalog import Catalog, Conflict
from churn_api.registry.experiment import PARTS, Experiment
from churn_api.registry.experiment_catalog import ExperimentCatalog, UnknownExperiment
from churn_api.registry.live import LiveModels
from churn_api.store.audit import latest_entries
from churn_api.store.database import Database

BUNDLES = {"small": {"1": "a" * 64, "2": "b" * 64, "3": "c" * 64}}


@pytest.fixture
def catalog(database):
    catalog = Catalog(database)
    catalog.register_new(BUNDLES, by="start")
    catalog.set_live("small", "1", by="start")
    return catalog


@pytest.fixture
def experiments(database, catalog):
    return ExperimentCatalog(database)


def test_starts_and_stops(experiments, catalog, database):
    """An experiment is in the catalogue while it runs; both acts are in the audit log."""
    started = experiments.start("small", "2", "canary", 500, by="anna")
    assert catalog.read()["small"].experiment == started == experiments.get(started.id)
    assert (started.champion, started.challenger, started.running) == ("1", "2", True)
    stopped = experiments.stop(started.id, by="ben", reason="enough", evidence={"rule": "errors"})
    assert catalog.read()["small"].experiment is None
    assert (stopped.running, stopped.stopped_by, stopped.reason, stopped.evidence) == (
        False,
        "ben",
        "enough",
        {"rule": "errors"},
    )
    acts = [entry for entry in latest_entries(database, 10) if entry.action.startswith("experiments.")]
    assert [(act.actor, act.action, act.subject, act.detail["experiment"]) for act in acts] == [
        ("ben", "experiments.stop", "small", started.id),
        ("anna", "experiments.start", "small", started.id),
    ]


def test_one_a_model(experiments):
    """While an experiment runs, no other begins; after it another may."""
    first = experiments.start("small", "2", "shadow", 0, by="anna")
    with pytest.raises(Conflict, match="stop it first"):
        experiments.start("small", "3", "shadow", 0, by="anna")
    experiments.stop(first.id, by="anna", reason="enough")
    second = experiments.start("small", "3", "shadow", 0, by="anna")
    assert [one.id for one in experiments.list(10)] == [second.id, first.id]
    assert [one.id for one in experiments.list(10, running=True, model="small")] == [second.id]
    assert [one.id for one in experiments.list(10, running=False)] == [first.id]
    assert experiments.list(10, model="other") == []


def test_what_cannot_start_or_stop(experiments, catalog):
    """The live version is no challenger, a model without one has no experiment, and what is over cannot be stopped."""
    with pytest.raises(Conflict, match="is live"):
        experiments.start("small", "1", "ab", 5000, by="anna")
    with pytest.raises(UnknownExperiment):
        experiments.get("nothing")
    over = experiments.start("small", "2", "ab", 5000, by="anna")
    experiments.stop(over.id, by="anna", reason="enough")
    with pytest.raises(Conflict, match="over"):
        experiments.stop(over.id, by="ben", reason="again")
    catalog.unload("small", by="anna")
    with pytest.raises(Conflict, match="no version"):
        experiments.start("small", "2", "ab", 5000, by="anna")


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda catalog: catalog.set_live("small", "2", by="ben"), "version 2 was made live"),
        (lambda catalog: catalog.set_live("small", "3", by="ben"), "version 3 was made live"),
        (lambda catalog: catalog.unload("small", by="ben"), "the model was unloaded"),
    ],
)
def test_ends_with_the_live_version(experiments, catalog, act, reason):
    """Another live version, or none, ends an experiment, with a reason and by whom."""
    started = experiments.start("small", "2", "ab", 5000, by="anna")
    catalog.set_live("small", "1", by="ben")
    assert experiments.get(started.id).running
    act(catalog)
    stopped = experiments.get(started.id)
    assert (stopped.running, stopped.stopped_by, stopped.reason) == (False, "ben", reason)


def test_decided_once(experiments, database):
    """What outcomes decide is stored and recorded the first time, and stays."""
    started = experiments.start("small", "2", "shadow", 0, by="anna")
    assert experiments.decide(started, {"better": "challenger"}, by="outcomes")
    assert not experiments.decide(started, {"better": "live"}, by="outcomes")
    assert experiments.get(started.id).result == {"better": "challenger"}
    assert [act.action for act in latest_entries(database, 10)].count("experiments.decide") == 1


def _stop(url, id_, results):
    try:
        ExperimentCatalog(Database(url)).stop(id_, by="one", reason="enough")
        results.put("stopped")
    except Conflict:
        results.put("over")


def test_stopped_by_one(experiments, database_url, database):
    """Of processes that stop an experiment at once, one does."""
    started = experiments.start("small", "2", "canary", 500, by="anna")
    context = get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_stop, args=(database_url, started.id, results)) for _ in range(3)]
    for process in processes:
        process.start()
    found = Counter(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert found == {"stopped": 1, "over": 2}


def experiment(share, salt="s"):
    return Experiment("e", "m", "1", "2", "ab", share, salt, datetime.now(UTC), "anna")


@given(st.integers() | st.text(min_size=1), st.integers(0, PARTS), st.text(min_size=1, max_size=8))
def test_the_same_customer(identifier, share, salt):
    """Salt and identifier alone decide, however the identifier is written; a greater share keeps its customers."""
    chosen = experiment(share, salt).variant_for(identifier)
    assert chosen == experiment(share, salt).variant_for(str(identifier))
    assert chosen != "challenger" or experiment(PARTS, salt).variant_for(identifier) == "challenger"
    assert experiment(share, salt).variant_for(None) == "live"


@pytest.mark.parametrize("share", [0, 500, 5000, PARTS])
def test_the_share(share):
    """As many customers as the share says are answered by the challenger, and others in another experiment."""
    chosen = [experiment(share).variant_for(number) for number in range(20_000)]
    assert chosen.count("challenger") / 20_000 == pytest.approx(share / PARTS, abs=0.015)
    others = [experiment(share, "other").variant_for(number) for number in range(20_000)]
    assert share in (0, PARTS) or chosen != others
    assert {*chosen} <= ({"control", "challenger"} if share else {"live"})


@pytest.fixture
def served(database, models_dir, tmp_path):
    """The models of a folder, version 1 of `small` live and version 2 its challenger."""
    folder = shutil.copytree(models_dir, tmp_path / "models")
    catalog = Catalog(database)
    catalog.register_new(bundle_digests(folder), by="start")
    catalog.set_live("small", "1", by="start")
    return catalog, folder, LiveModels(folder, "small", 3), ExperimentCatalog(database)


def test_followed(served):
    """A process loads the challenger of a running experiment, keeps it in memory, and lets go of it afterwards."""
    catalog, _, live, experiments = served
    live.follow(catalog.read())
    assert live.challengers.experiment_of(live.get()) is None
    started = experiments.start("small", "2", "ab", 5000, by="anna")
    live.follow(catalog.read())
    found = live.challengers.experiment_of(live.get())
    assert (found.experiment.id, found.challenger.card.version) == (started.id, "2")
    assert live.challengers.experiment_of(live.get("small", "2")) is None
    experiments.stop(started.id, by="anna", reason="enough")
    live.follow(catalog.read())
    assert live.challengers.experiment_of(live.get()) is None


def test_a_challenger_that_cannot_be_loaded(served):
    """It is reported as other versions that cannot be loaded are; the live version answers, and it is tried again."""
    catalog, folder, live, experiments = served
    (folder / "small" / "2").rename(folder / "away")
    started = experiments.start("small", "2", "ab", 5000, by="anna")
    live.follow(catalog.read())
    assert live.get().card.version == "1"
    assert live.challengers.experiment_of(live.get()) is None
    assert live.load_errors["small"].startswith("challenger 2: ")
    assert live.failures["small"] == 1
    (folder / "away").rename(folder / "small" / "2")
    live.follow(catalog.read())
    assert live.challengers.experiment_of(live.get()).experiment == started
    assert live.load_errors == {}
