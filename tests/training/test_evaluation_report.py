"""The evaluation report that training writes into a bundle."""

import json
from itertools import pairwise

import numpy as np
import pytest
from builders import customers, feature, labels_with_probabilities, signature, write_csv
from conftest import train_on
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc, roc_auc_score

from churn_api.contract.columns import Columns
from churn_api.registry.bundle import BundleError, read_card
from churn_api.registry.evaluation_report import read_report
from churn_api.training import curves
from churn_api.training.effects import effects
from churn_api.training.evaluation_metrics import expected_calibration_error
from churn_api.training.feature_bins import MIN_ROWS


@st.composite
def evaluated(draw):
    """Labels of both classes, and probabilities with ties."""
    rows = draw(st.integers(50, 400))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return labels_with_probabilities(rng, rows, draw(st.integers(0, 6)))


@given(evaluated())
@settings(deadline=None, max_examples=50)
def test_roc_points(evaluated):
    """The ROC curve has at most 100 ascending points, and the area below them is the AUC within 0.01."""
    labels, probabilities = evaluated
    curve = curves.roc(labels, probabilities)
    assert len(curve.true_positive_rate) == len(curve.false_positive_rate) <= 100
    assert list(curve.true_positive_rate) == sorted(curve.true_positive_rate)
    area = auc(curve.false_positive_rate, curve.true_positive_rate)
    assert area == pytest.approx(roc_auc_score(labels, probabilities), abs=0.01)


@given(evaluated())
@settings(deadline=None, max_examples=50)
def test_calibration_bins_give_the_ece(evaluated):
    """The bins' gaps, weighted by their counts, are the expected calibration error."""
    bins = curves.calibration(*evaluated)
    gaps = sum(one.rows * abs(one.predicted - one.observed) for one in bins) / len(evaluated[0])
    assert gaps == pytest.approx(expected_calibration_error(*evaluated), abs=1e-5)


@given(evaluated(), st.randoms())
@settings(deadline=None, max_examples=50)
def test_gains(evaluated, random):
    """Gains rise from 0 to 1 over 101 values, and do not depend on the order of the rows."""
    labels, probabilities = evaluated
    reached = curves.gains(labels, probabilities)
    assert (len(reached), reached[0], reached[-1]) == (101, 0, 1)
    assert list(reached) == sorted(reached)
    order = list(range(len(labels)))
    random.shuffle(order)
    assert curves.gains(labels[order], probabilities[order]) == reached


@given(evaluated(), st.floats(0, 1))
@settings(deadline=None, max_examples=50)
def test_operating_points(evaluated, threshold):
    """There are 20 confusion matrices, each of all rows, thresholds ascending, the model's own among them."""
    labels, probabilities = evaluated
    points = curves.operating_points(labels, probabilities, threshold)
    assert len(points) == 20
    assert [point.threshold for point in points] == sorted(point.threshold for point in points)
    own = next(point for point in points if point.threshold == threshold)
    assert own.true_positives == ((probabilities >= threshold) & (labels == 1)).sum()
    for point in points:
        assert point.true_positives + point.false_negatives == labels.sum()
        assert point.false_positives + point.true_negatives == (1 - labels).sum()


FEATURES = signature(
    feature("tenure"),
    feature("partner", "boolean"),
    feature("contract", "string", choices=("a", "b", "c")),
    feature("name", "string"),
)


@st.composite
def tables(draw):
    """Columns with ties, few values and missing cells, and an evaluation of their rows."""
    labels, probabilities = draw(evaluated())
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    rows = len(labels)
    tenure = rng.exponential(draw(st.sampled_from([0.2, 5, 30])), rows).round()
    tenure[rng.random(rows) < draw(st.sampled_from([0, 0.05, 1]))] = np.nan
    partner = rng.choice([0.0, 1.0, np.nan], rows)
    contract = rng.choice(["a", "b", "c", ""], rows, p=[0.8, 0.15, 0.02, 0.03])
    name = np.array([f"person {row}" for row in range(rows)])
    texts = np.column_stack([contract, name]).astype(object)
    return Columns(np.column_stack([tenure, partner]), texts), labels, probabilities


@given(tables())
@settings(deadline=None, max_examples=50)
def test_effects(evaluated):
    """No bin has fewer than ten rows, none holds a text without listed choices, and ranges ascend without overlap."""
    columns, labels, probabilities = evaluated
    for effect in effects(FEATURES, columns, labels, probabilities, []):
        assert effect.feature != "name"
        assert all(one.rows >= MIN_ROWS for one in effect.bins)
        assert sum(one.rows for one in effect.bins) <= len(labels)
        ranges = [(one.lower, one.upper) for one in effect.bins if one.kind == "range"]
        assert ranges == sorted(ranges)
        assert all(upper < lower for (_, upper), (lower, _) in pairwise(ranges))


@given(tables())
@settings(deadline=None, max_examples=50)
def test_every_number_is_in_a_range(evaluated):
    """Ranges hold all rows that have a number, and their mean rates weigh to the rate of these rows."""
    columns, labels, probabilities = evaluated
    known = ~np.isnan(columns.numbers[:, 0])
    if known.sum() < MIN_ROWS:
        return
    (tenure,) = [e for e in effects(FEATURES, columns, labels, probabilities, []) if e.feature == "tenure"]
    ranges = [one for one in tenure.bins if one.kind == "range"]
    assert sum(one.rows for one in ranges) == known.sum()
    assert sum(one.rows * one.observed for one in ranges) == pytest.approx(labels[known].sum(), rel=1e-4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The bundle of a small table."""
    home = tmp_path_factory.mktemp("report")
    train_on(write_csv(customers(), home / "t.csv"), home / "models", "small")
    return home / "models" / "small" / "1"


def test_in_the_bundle(folder):
    """Training writes the report, whose figures are the card's, in tens of kilobytes."""
    card = read_card(folder)
    report = read_report(folder, card)
    assert report.basis == "cross-validation"
    assert report.rows == card.training.rows
    assert report.threshold == card.policy.threshold
    assert report.metrics["roc_auc"].mean == card.metrics["calibration"]["roc_auc"]["mean"]
    assert report.importance == card.metrics["importance"]
    assert {effect.feature for effect in report.effects} == {f.name for f in card.signature.features}
    assert (folder / "report.json").stat().st_size < 40_000


def test_holds_no_customer(folder):
    """The report holds no identifier."""
    assert "C000" not in (folder / "report.json").read_text()


def test_changed_report(folder, tmp_path):
    """A report that was changed is refused, and says which file it is."""
    card = read_card(folder)
    report = json.loads((folder / "report.json").read_text())
    (tmp_path / "report.json").write_text(json.dumps(report | {"rows": 1}))
    with pytest.raises(BundleError, match=r"report\.json is not the file that was packaged"):
        read_report(tmp_path, card)


def test_older_bundle(folder):
    """A bundle that was written without a report has none."""
    card = read_card(folder)
    card.files.pop("report.json")
    assert read_report(folder, card) is None
