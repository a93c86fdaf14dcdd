"""Predictions while two versions of a model run side by side."""

import time
from datetime import UTC, datetime

import numpy as np
import orjson
import pytest
from builders import customers

from churn_api.registry.challengers import LoadedExperiment
from churn_api.registry.experiment import Experiment
from churn_api.registry.model import load_model
from churn_api.scoring.output import PROBABILITY
from churn_api.serving import shadows
from churn_api.serving.answer import version_columns
from churn_api.serving.data_plane import DataPlane
from churn_api.serving.prediction_options import Options


@pytest.fixture(scope="module")
def versions(models_dir):
    return {version: load_model(models_dir / "small" / version) for version in ("1", "2")}


class Broken:
    """A scorer that fails, on one record or on all."""

    def score(self, columns):
        raise RuntimeError("it is broken")


class BrokenOf:
    """A scorer that fails wherever one number is among the records."""

    def __init__(self, scorer, number):
        self.scorer, self.number = scorer, number

    def score(self, columns):
        if (columns.numbers == self.number).any():
            raise RuntimeError("it does not take that")
        return self.scorer.score(columns)


class Slow:
    """A scorer that takes its time."""

    def __init__(self, scorer):
        self.scorer = scorer

    def score(self, columns):
        time.sleep(0.3)
        return self.scorer.score(columns)


class Observing:
    """A data plane in an experiment, and all that its observers receive."""

    def __init__(self, live, challenger, mode, share=0):
        experiment = Experiment("e", "small", "1", "2", mode, share, "salt", datetime.now(UTC), "anna")
        self.found, self.live = LoadedExperiment(experiment, challenger), live
        self.plane = DataPlane(experiment_of=lambda _: self.found)
        self.plane.observe(self)
        self.plane.observe_experiments(self)
        self.answers, self.answered_parts, self.pairs, self.failures = [], [], [], []

    def predicted(self, answer):
        self.answers.append(answer)

    def answered(self, found, answer):
        self.answered_parts.append(answer)

    def compared(self, found, pair):
        self.pairs.append(pair)

    def failed(self, found, failure):
        self.failures.append(failure)

    def one(self, record, options=Options()):  # noqa: B008
        return self.plane.predict(self.live, self.live.reader.read_one(as_json(record)), options, many=False)

    def many(self, sent, options=Options()):  # noqa: B008
        batch = self.live.reader.read_many(as_json({"customers": sent}), 10_000)
        return self.plane.predict(self.live, batch, options, many=True)


def as_json(value):
    return orjson.dumps(value, default=lambda number: number.item())


def records(rows=60):
    table = customers(rows).drop(columns="Churn").astype(object)
    return [row.dropna().to_dict() for _, row in table.iterrows()]


def alone(model, sent, options=Options()):  # noqa: B008
    return DataPlane().predict(model, model.reader.read_many(as_json({"customers": sent}), 10_000), options, many=True)


def same(answer, other):
    return all(np.array_equal(answer.columns[name], other.columns[name]) for name in answer.columns)


def test_each_customer_by_its_version(versions):
    """Of a batch, each record is answered by the version that answers its customer alone, in the order sent."""
    sent = records()
    both = Observing(versions["1"], versions["2"], "ab", 5000)
    answer = both.many(sent)
    expected = {version: alone(model, sent) for version, model in versions.items()}
    columns = version_columns(answer)
    for row, record in enumerate(sent):
        single = both.one(record)
        by = single.model.card.version
        assert columns["model_version"][row] == by
        assert columns["variant"][row] == single.variant == {"1": "control", "2": "challenger"}[by]
        assert columns["threshold"][row] == single.threshold == versions[by].card.policy.threshold
        for name, values in answer.columns.items():
            assert values[row] == single.columns[name][0] == expected[by].columns[name][row]
    assert {*columns["variant"]} == {"control", "challenger"}
    assert answer.identifiers == [record["customerID"] for record in sent]


def test_observers_receive_an_answer_for_each_variant(versions):
    """The records of each variant are an answer of their own, with their positions; one answer counts the batch."""
    both = Observing(versions["1"], versions["2"], "ab", 5000)
    sent = records()
    del sent[7]["customerID"]
    answer = both.many([*sent, {"customerID": "bad", "tenure": "?"}], Options(skip_bad=True))
    parts = {part.variant: part for part in both.answers}
    assert {variant: part.model.card.version for variant, part in parts.items()} == {
        "challenger": "2",
        "control": "1",
        "live": "1",
    }
    assert both.answered_parts == both.answers
    assert sorted(position for part in both.answers for position in part.positions) == list(range(60))
    for part in both.answers:
        assert [sent[position].get("customerID") for position in part.positions] == part.identifiers
    assert parts["live"].positions == [7]
    assert version_columns(answer)["variant"][7] == "live"
    assert sorted(part.sent for part in both.answers) == [0, 0, 61]


@pytest.mark.parametrize(("share", "by"), [(0, "1"), (10_000, "2")])
def test_all_customers_of_one_version(versions, share, by):
    """A batch whose customers all belong to one version is its answer as it is."""
    sent = records()
    answer = Observing(versions["1"], versions["2"], "ab", share).many(sent)
    assert (answer.model.card.version, answer.split, answer.sent) == (by, None, 60)
    assert same(answer, alone(versions[by], sent))


def test_without_a_customer(versions):
    """A record without an identifier is answered by the live version, and so is a request that names its version."""
    record = records(1)[0]
    whole = Observing(versions["1"], versions["2"], "ab", 10_000)
    assert whole.one(record).variant == "challenger"
    del record["customerID"]
    assert whole.one(record).variant == "live"
    pinned = whole.one(records(1)[0], Options(pinned=True))
    assert (pinned.variant, pinned.experiment, pinned.model.card.version) == ("live", None, "1")


def test_a_shadow(versions):
    """Observers receive the live version's answer, which the client gets, then the challenger's to the same records."""
    sent = records()
    shadow = Observing(versions["1"], versions["2"], "shadow")
    for predict, given in ((shadow.many, sent), (shadow.one, sent[0])):
        answer = predict(given)
        assert shadow.plane.drain()
        assert (answer.model.card.version, answer.variant) == ("1", "live")
        first, second = shadow.answers[-2:]
        assert first is answer
        assert (second.variant, second.model.card.version, second.identifiers) == ("shadow", "2", first.identifiers)
        assert same(second, alone(versions["2"], sent[: len(first.identifiers)]))
        pair = shadow.pairs[-1]
        assert np.array_equal(pair.live, first.columns[PROBABILITY.name])
        assert np.array_equal(pair.challenger, second.columns[PROBABILITY.name])
    assert not shadow.failures


@pytest.mark.parametrize("mode", ["shadow", "canary", "ab"])
def test_a_challenger_that_fails(versions, mode):
    """Its exception changes no answer: the live version answers all records, and the failure is counted."""
    broken = versions["2"]._replace(scorer=Broken())
    failing = Observing(versions["1"], broken, mode, 0 if mode == "shadow" else 5000)
    sent = records()
    assert same(failing.many(sent), alone(versions["1"], sent))
    assert {answer.variant for answer in failing.answers} <= {"live", "control"}
    for record in sent[:20]:
        answer = failing.one(record)
        assert same(answer, alone(versions["1"], [record]))
        assert answer.variant in ("live", "control")
    assert failing.plane.drain()
    assert {*failing.failures} == {"error"}


def test_a_shadow_that_falls_behind(versions, monkeypatch):
    """No answer waits for a slow challenger: what it cannot keep up with it skips, and that is counted."""
    monkeypatch.setattr(shadows, "MAX_WAITING", 3)
    slow = Observing(versions["1"], versions["2"]._replace(scorer=Slow(versions["2"].scorer)), "shadow")
    sent = records(5)
    for record in sent:
        assert same(slow.one(record), alone(versions["1"], [record]))
    assert slow.failures == ["too-slow"] * 2
    assert slow.plane.drain()
    assert [answer.variant for answer in slow.answers].count("shadow") == 3


def test_shadows_of_many_requests(versions):
    """Records of requests that are scored together get what each gets alone, a broken one among them apart."""
    fails = versions["2"]._replace(scorer=BrokenOf(versions["2"].scorer, 42))
    shadow = Observing(versions["1"], fails, "shadow")
    sent = records(30)
    sent[7]["tenure"] = 42
    sent = [record for row, record in enumerate(sent) if row == 7 or record["tenure"] != 42]
    for first in range(0, len(sent), 3):
        shadow.many(sent[first : first + 3], Options(threshold=0.3 if first < 9 else None))
    for record in sent[:5]:
        shadow.one(record)
    assert shadow.plane.drain()
    found = [answer for answer in shadow.answers if answer.variant == "shadow"]
    assert shadow.failures == ["error"]
    assert sum(len(answer.identifiers) for answer in found) == len(sent) + 5 - 3
    expected = {record["customerID"]: one for record, one in zip(sent, rows_of(versions["2"], sent), strict=True)}
    for answer in found:
        assert answer.threshold in (0.3, versions["2"].card.policy.threshold)
        probabilities = answer.columns[PROBABILITY.name]
        assert isinstance(probabilities, list) == (len(answer.identifiers) == 1)
        assert [expected[identifier] for identifier in answer.identifiers] == list(probabilities)


def rows_of(model, sent):
    return alone(model, sent).columns[PROBABILITY.name].tolist()


def test_a_canary_is_compared(versions):
    """Some of what a canary has answered is scored by both versions; of an A/B test nothing is."""
    sent = records(300)
    canary = Observing(versions["1"], versions["2"], "canary", 5000)
    canary.many(sent)
    (pair,) = canary.pairs
    by_challenger = next(answer for answer in canary.answers if answer.variant == "challenger")
    some = [sent[position] for position in by_challenger.positions[:64]]
    assert np.array_equal(pair.live, alone(versions["1"], some).columns[PROBABILITY.name])
    assert np.array_equal(pair.challenger, alone(versions["2"], some).columns[PROBABILITY.name])
    ab = Observing(versions["1"], versions["2"], "ab", 5000)
    ab.many(sent)
    assert ab.pairs == []


def test_reasons(versions):
    """A single record's reasons are those of the version that answers; a batch with reasons is the live version's."""
    whole = Observing(versions["1"], versions["2"], "ab", 10_000)
    explains = versions["2"].reasons.explainer is not None
    one = whole.one(records(1)[0], Options(reasons=3))
    assert one.variant == ("challenger" if explains else "live")
    assert one.explained is not None
    many = whole.many(records(), Options(reasons=3))
    assert (many.variant, many.split) == ("live", None)
    silent = versions["2"]._replace(reasons=versions["2"].reasons._replace(explainer=None))
    assert Observing(versions["1"], silent, "ab", 10_000).one(records(1)[0], Options(reasons=3)).variant == "live"


def test_the_callers_threshold(versions):
    """A threshold that the caller names applies to both versions."""
    answer = Observing(versions["1"], versions["2"], "ab", 5000).many(records(), Options(threshold=0.9))
    assert {*version_columns(answer)["threshold"]} == {0.9}
