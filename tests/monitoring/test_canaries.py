"""A canary stops itself when its challenger breaks a rule, by the counts of all processes, once for all of them."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from churn_api.monitoring.canary_guard import ACTOR, CanaryGuard
from churn_api.monitoring.canary_rules import broken_rule
from churn_api.monitoring.experiment_counter import MAX_EXPERIMENTS, ExperimentCounter, read_counts
from churn_api.registry.bundle import bundle_digests, read_card
from churn_api.registry.catalog import Catalog
from churn_api.registry.challengers import LoadedExperiment
from churn_api.registry.experiment import Experiment
from churn_api.registry.experiment_catalog import ExperimentCatalog
from churn_api.registry.live import LiveModels
from churn_api.registry.model import load_model
from churn_api.serving.experiment_observer import Pair
from churn_api.store.audit import latest_entries
from churn_api.store.database import Database, DatabaseAway
from churn_api.store.schema import upgrade


@pytest.fixture(scope="module")
def cards(models_dir):
    return read_card(models_dir / "small" / "1"), read_card(models_dir / "small" / "2")


@pytest.fixture(scope="module")
def challenger(models_dir):
    return load_model(models_dir / "small" / "2")


def found_of(challenger, id_="e"):
    return LoadedExperiment(Experiment(id_, "small", "1", "2", "canary", 500, "s", datetime.now(UTC), "a"), challenger)


def pair(live, challenger, seconds=1e-5, other_seconds=1e-5):
    return Pair(np.array(live), np.array(challenger), (seconds, other_seconds))


def like(card, rows, rng):
    """Probabilities as the evaluation of a version saw them."""
    counts = np.array(card.baseline.scores.counts, float)
    bins = rng.choice(len(counts), rows, p=counts / counts.sum())
    return (bins + rng.random(rows)) / len(counts)


def answers(variant, rows=1):
    return SimpleNamespace(variant=variant, identifiers=[None] * rows)


@pytest.fixture
def counting(database, challenger):
    """Two processes' counters of one experiment."""
    return [ExperimentCounter(database) for _ in range(2)], found_of(challenger)


def flushed(database, counting):
    for counter in counting[0]:
        counter.flush()
    return read_counts(database, "e")


def test_counts_of_all_processes(database, counting):
    """What processes count adds up, however often they write it."""
    (one, other), found = counting
    one.answered(found, answers("control", 3))
    one.answered(found, answers("live"))
    flushed(database, counting)
    one.answered(found, answers("challenger", 2))
    other.answered(found, answers("shadow", 5))
    one.compared(found, pair([0.2, 0.4], [0.3, 0.2]))
    other.compared(found, pair([0.5], [0.5], 1e-3, 5e-3))
    one.failed(found, "error")
    other.failed(found, "too-slow")
    for _ in range(2):
        counts = flushed(database, counting)
    assert counts.answered == (4, 7)
    assert (counts.errors, counts.too_slow, counts.pairs, counts.runs) == (1, 1, 3, 2)
    assert counts.difference == pytest.approx(0.1)
    assert [scores.sum() for scores in counts.scores] == [3, 3]
    live, other_p95 = counts.p95_seconds
    assert 1e-3 <= live <= 1.2e-3
    assert 5e-3 <= other_p95 <= 6e-3


def test_counts_wait_for_the_database(database_url, challenger):
    """Counts that could not be written are written later, once."""
    database = Database(database_url)
    counter, found = ExperimentCounter(database), found_of(challenger)
    counter.answered(found, answers("control", 3))
    with pytest.raises(Exception):  # noqa: B017, PT011 - there are no tables: each database says so in its own way
        counter.flush()
    upgrade(database)
    counter.flush()
    counter.flush()
    assert read_counts(database, "e").answered == (3, 0)
    database.close()


def test_a_bounded_number_of_experiments(challenger):
    """A process that cannot write keeps the counts of the latest experiments alone."""
    counter = ExperimentCounter(Database("sqlite:////nowhere/churn.db"))
    for number in range(MAX_EXPERIMENTS + 5):
        counter.answered(found_of(challenger, f"e{number}"), answers("control"))
    assert len(counter._counts) == MAX_EXPERIMENTS
    with pytest.raises(DatabaseAway):
        counter.flush()


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("errors", lambda one, found, p: [one.failed(found, "error") for _ in range(3)]),
        ("slower", lambda one, found, p: [one.compared(found, pair([x], [x], 1e-3, 4e-3)) for x in p]),
        ("difference", lambda one, found, p: one.compared(found, pair(p, np.minimum(p + 0.15, 1)))),
        ("drift", lambda one, found, p: one.compared(found, pair(p, 0.7 * p + 0.3 * p.mean()))),
    ],
)
def test_each_rule(database, counting, cards, rule, count):
    """Errors, slowness, other probabilities than the live version's or than in the evaluation stop a canary."""
    (one, _), found = counting
    count(one, found, like(cards[0], 1000, np.random.default_rng(4)))
    broken = broken_rule(flushed(database, counting), *cards)
    assert broken is not None
    assert broken.rule == rule


@pytest.mark.parametrize(
    "count",
    [
        lambda one, found: None,
        lambda one, found: [one.failed(found, "error") for _ in range(2)],
        lambda one, found: [one.compared(found, pair([0.2], [0.2], 1e-5, 5e-5)) for _ in range(190)],
        lambda one, found: one.compared(found, pair([0.1] * 199, [0.9] * 199)),
        lambda one, found: [
            one.answered(found, answers("challenger", 900)),
            *(one.failed(found, "error") for _ in "123456789"),
        ],
    ],
)
def test_what_stops_no_canary(database, counting, cards, count):
    """Nothing counted, single errors, microseconds and too few records stop nothing."""
    (one, _), found = counting
    count(one, found)
    assert broken_rule(flushed(database, counting), *cards) is None


def test_stopped_once_for_all(database, models_dir):
    """Of two machines whose counts break a rule together, one stops the canary; both let go of it."""
    catalog, experiments = Catalog(database), ExperimentCatalog(database)
    catalog.register_new(bundle_digests(models_dir), by="start")
    catalog.set_live("small", "1", by="start")
    started = experiments.start("small", "2", "canary", 5000, by="anna")
    machines = []
    for _ in range(2):
        live, counter = LiveModels(models_dir, "small", 9), ExperimentCounter(database)
        live.follow(catalog.read())
        machines.append((live, counter, CanaryGuard(database, live, counter)))
    for live, counter, guard in machines:
        (found,) = live.challengers.running
        counter.compared(found, pair([0.1] * 150, [0.9] * 150))
        counter._flushed = -np.inf
        guard.look()
    stopped = experiments.get(started.id)
    assert (stopped.running, stopped.stopped_by) == (False, ACTOR)
    assert stopped.reason == "the probabilities of both versions differ by 0.80 on average"
    assert stopped.evidence == {"rule": "difference", "mean_difference": pytest.approx(0.8), "records": 300}
    (act,) = [entry for entry in latest_entries(database, 20) if entry.action == "experiments.stop"]
    assert (act.actor, act.detail["rule"]) == (ACTOR, "difference")
    for live, _, guard in machines:
        guard.look()
        live.follow(catalog.read())
        assert live.challengers.running == []
