"""Mature outcomes decide experiments: by pairs of a shadow, by the groups of a canary and of an A/B test."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from churn_api.monitoring.experiment_document import experiment_document
from churn_api.monitoring.experiment_outcomes import ExperimentOutcomes
from churn_api.monitoring.labelled_predictions import LabelledPredictions
from churn_api.monitoring.observed_experiments import observed_experiments
from churn_api.registry.catalog import Catalog
from churn_api.registry.experiment_catalog import ExperimentCatalog
from churn_api.store.audit import latest_entries
from churn_api.telemetry.experiment_metrics import ExperimentCollector

BUNDLES = {"small": {"1": "a" * 64, "2": "b" * 64}}
LATER = datetime.now(UTC) + timedelta(hours=1)
"""A moment of the experiments, which begin now."""


@pytest.fixture
def start(database):
    catalog = Catalog(database)
    catalog.register_new(BUNDLES, by="start")
    catalog.set_live("small", "1", by="start")
    return lambda mode, share=0: ExperimentCatalog(database).start("small", "2", mode, share, by="anna")


def labelled(version, variant, probabilities, left, others=None, contacted=None, at=LATER):
    rows = len(left)
    return LabelledPredictions(
        day=at.date(),
        version=version,
        variant=variant,
        challenger=None if others is None else "2",
        times=np.full(rows, int(at.timestamp() * 1e6)),
        probabilities=probabilities,
        positive=probabilities >= 0.5,
        left=left,
        contacted=np.zeros(rows, bool) if contacted is None else contacted,
        challenger_probabilities=np.full(rows, np.nan) if others is None else others,
    )


def customers(rows, seed=1):
    """Probabilities, and who left."""
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(1, 3, rows)
    return probabilities, rng.random(rows) < probabilities


def store(database, *parts, versions=("1", "2")):
    outcomes = ExperimentOutcomes(database, "small", LATER.date() - timedelta(days=9), LATER.date())
    for part in parts:
        outcomes.add(part)
    outcomes.store(versions)


def test_a_worse_shadow(database, start):
    """Of the same customers the better version is found, by its Brier score, with the evidence in words."""
    experiment = start("shadow")
    said, left = customers(3000)
    store(database, labelled("1", "live", said, left, others=np.clip(said + 0.25, 0, 1)))
    document = experiment_document(database, ExperimentCatalog(database).get(experiment.id))
    verdict = document["verdict"]
    assert (verdict["state"], verdict["better"], verdict["outcomes"]) == ("decided", "live", 3000)
    expected = np.mean((said - left) ** 2 - (np.clip(said + 0.25, 0, 1) - left) ** 2)
    (brier, log_loss) = verdict["measures"]
    assert brier["difference"] == pytest.approx(expected)
    assert log_loss["better"] == "live"
    assert verdict["text"].startswith("Version 1 is better: its Brier score is 0.0")
    assert "after 3,000 outcomes" in verdict["text"]
    assert document["result"]["better"] == "live"
    (act,) = [entry for entry in latest_entries(database, 9) if entry.action == "experiments.decide"]
    assert (act.actor, act.detail["better"], act.detail["outcomes"]) == ("outcomes", "live", 3000)


def test_computed_again(database, start):
    """A period that is computed again, after a correction, replaces its sums; what was decided first stays."""
    experiment = start("shadow")
    said, left = customers(3000)
    for _ in range(2):
        store(database, labelled("1", "live", said, left, others=np.clip(said + 0.25, 0, 1)))
    store(database, labelled("1", "live", said[:150], left[:150], others=said[:150]))
    document = experiment_document(database, ExperimentCatalog(database).get(experiment.id))
    assert document["verdict"]["text"] == "150 outcomes are too few: 200 mature outcomes are needed."
    assert document["result"]["outcomes"] == 3000


def test_who_stays(database, start):
    """An A/B test is decided by who left, called customers included; Brier scores are of the others."""
    experiment = start("ab", 5000)
    rng = np.random.default_rng(5)
    said, left = customers(8000)
    called = rng.random(4000) < 0.5
    store(
        database,
        labelled("1", "control", said[:4000], left[:4000]),
        labelled("2", "challenger", said[4000:], left[4000:] & ~called, contacted=called),
        # In no group: a table, and a record without an identifier.
        labelled("1", "live", said, np.ones(8000, bool)),
    )
    verdict = experiment_document(database, experiment)["verdict"]
    measures = {one["measure"]: one for one in verdict["measures"]}
    assert (verdict["better"], verdict["outcomes"]) == ("challenger", 8000)
    assert measures["left"]["difference"] == pytest.approx(left[:4000].mean() - (left[4000:] & ~called).mean())
    assert measures["brier"]["outcomes"] == 4000 + (~called).sum()
    assert measures["brier"]["better"] is None


def test_of_one_version_alone(database, start):
    """Where the predictions of one version are joined again, the other group stays as it is."""
    experiment = start("canary", 500)
    said, left = customers(2000)
    store(database, labelled("1", "control", said, left), labelled("2", "challenger", said[:300], left[:300]))
    store(database, labelled("2", "challenger", said[:400], left[:400]), versions=("2",))
    assert experiment_document(database, experiment)["verdict"]["outcomes"] == 2400


def test_what_is_not_of_the_experiment(database, start):
    """Predictions before its start and after its end, of other versions, and without a pair count in none."""
    experiment = start("shadow")
    said, left = customers(500)
    before = labelled("1", "live", said, left, others=said, at=datetime.now(UTC) - timedelta(hours=2))
    stopped = ExperimentCatalog(database).stop(experiment.id, by="anna", reason="enough")
    after = labelled("1", "live", said, left, others=said, at=LATER)
    store(database, before, after, labelled("3", "live", said, left, others=said), labelled("1", "live", said, left))
    assert experiment_document(database, stopped)["verdict"]["outcomes"] == 0


def test_outcomes_after_the_end(database, start):
    """Predictions of an experiment that is over count when their outcomes are known."""
    experiment = start("shadow")
    said, left = customers(1000)
    at = datetime.now(UTC)
    ExperimentCatalog(database).stop(experiment.id, by="anna", reason="enough")
    store(database, labelled("1", "live", said, left, others=np.clip(said + 0.25, 0, 1), at=at))
    document = experiment_document(database, ExperimentCatalog(database).get(experiment.id))
    assert (document["state"], document["result"]["better"]) == ("stopped", "live")


def samples(database):
    registry = CollectorRegistry()
    registry.register(ExperimentCollector(lambda: observed_experiments(database)))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(one.name, frozenset(one.labels.values())): one.value for family in families for one in family.samples}


def test_metrics(database, start):
    """The latest experiment of a model is in the metrics, with its verdict, and the rule that has stopped it."""
    assert samples(database) == {}
    experiment = start("shadow")
    said, left = customers(3000)
    store(database, labelled("1", "live", said, left, others=np.clip(said + 0.25, 0, 1)))
    found = samples(database)
    assert (
        found[
            "churn_experiment_running",
            frozenset(
                (
                    "small",
                    "2",
                    "shadow",
                )
            ),
        ]
        == 1
    )
    assert found["churn_experiment_outcomes", frozenset(("small",))] == 3000
    assert (
        found[
            "churn_experiment_better",
            frozenset(
                (
                    "small",
                    "live",
                )
            ),
        ]
        == 1
    )
    low, mean, high = (
        found[
            "churn_experiment_difference",
            frozenset(
                (
                    "small",
                    "brier",
                    bound,
                )
            ),
        ]
        for bound in ("low", "mean", "high")
    )
    assert low < mean < high < 0
    stop = {"by": "canary rules", "reason": "it fails", "evidence": {"rule": "errors"}}
    ExperimentCatalog(database).stop(experiment.id, **stop)
    found = samples(database)
    assert (
        found[
            "churn_experiment_running",
            frozenset(
                (
                    "small",
                    "2",
                    "shadow",
                )
            ),
        ]
        == 0
    )
    assert (
        found[
            "churn_experiment_stopped_by_rule",
            frozenset(
                (
                    "small",
                    "2",
                    "errors",
                )
            ),
        ]
        == 1
    )
