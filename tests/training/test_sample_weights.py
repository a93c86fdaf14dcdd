"""`train --sample-weight`: how much each row counts."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from builders import customers, labels_with_probabilities, write_csv
from click.testing import CliRunner
from conftest import train_on
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_api.cli import main
from churn_api.registry.bundle import read_card
from churn_api.registry.evaluation_report import read_report
from churn_api.training import curves
from churn_api.training.evaluation_metrics import metrics
from churn_api.training.preparation import prepare
from churn_api.training.thresholds import flagging_share, largest_f1
from churn_api.training.training_error import TrainingError
from churn_api.training.training_options import TrainingOptions


@st.composite
def weighted(draw):
    """Labels of both classes, probabilities with ties, and whole weights."""
    rows = draw(st.integers(30, 200))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    labels, probabilities = labels_with_probabilities(rng, rows, draw(st.integers(1, 6)))
    return labels, probabilities, rng.integers(1, 5, rows)


@given(weighted())
@settings(deadline=None, max_examples=50)
def test_weight_2_is_the_row_twice(weighted):
    """Metrics, threshold, gains and confusion matrices are those of a table that has each row as often as it weighs."""
    labels, probabilities, times = weighted
    twice = labels.repeat(times), probabilities.repeat(times)
    weights = times / times.mean()
    by_weight, by_rows = metrics(labels, probabilities, weights), metrics(*twice)
    # The bins of the ECE hold complete rows, so its bins can differ by one.
    assert {**by_weight, "ece": 0} == pytest.approx({**by_rows, "ece": 0}, abs=1e-9)
    for choose in (largest_f1, partial(flagging_share, 0.3)):
        one, other = choose(labels, probabilities, weights), choose(*twice)
        assert one[:3] == pytest.approx(other[:3])
    assert curves.gains(labels, probabilities, weights) == pytest.approx(curves.gains(*twice), abs=1e-5)
    for one, other in zip(
        curves.operating_points(labels, probabilities, 0.42, weights),
        curves.operating_points(*twice, 0.42),
        strict=True,
    ):
        assert one.true_positives * times.mean() == pytest.approx(other.true_positives, abs=0.01)


def test_ece_by_weight():
    """A bin's gap counts by its weight."""
    labels, probabilities = np.array([0, 0, 1, 1]), np.array([0.2, 0.2, 0.6, 0.6])
    assert metrics(labels, probabilities)["ece"] == pytest.approx(0.3)
    assert metrics(labels, probabilities, np.array([1.9, 1.9, 0.1, 0.1]))["ece"] == pytest.approx(0.21)


@pytest.fixture(scope="module")
def with_weights(tmp_path_factory):
    """A table in which the other half of the customers, who stay for long contracts, weighs as good as nothing."""
    table = customers(400)
    table["w"] = np.where(table["Contract"] == "Month-to-month", "3,5", "0,000001")
    return write_csv(table, tmp_path_factory.mktemp("weights") / "t.csv"), table


@pytest.mark.parametrize("estimator", ["logistic", "wide"])
def test_learned_and_measured_by_weight(with_weights, tmp_path, estimator):
    """Fits, metrics and base rate follow the weights, which card and remarks name; the column is no feature."""
    path, table = with_weights
    card = train_on(path, tmp_path, "m", estimator=estimator, sample_weight="w")
    heavy = table[table["Contract"] == "Month-to-month"]
    assert card.training.base_rate == pytest.approx((heavy["Churn"] == "Yes").mean(), abs=0.001)
    assert card.metrics["learning"]["sample_weight"] == "w"
    assert "w" not in [one.name for one in card.signature.features]
    assert [one.column for one in card.training.remarks if "comma" in one.text] == ["w"]
    report = read_report(tmp_path / "m" / "1", card)
    assert report.positives / report.rows == pytest.approx(card.training.base_rate, abs=0.001)


def prepared(table, path):
    options = TrainingOptions(target="Churn", identifier="customerID", sample_weight="w")
    return prepare(write_csv(table, path), options)


@given(st.floats(1e-300, 1e300))
@settings(deadline=None, max_examples=10)
def test_scale_does_not_matter(tmp_path_factory, scale):
    """Weights have a mean of 1, whatever their scale; equal ones are all 1."""
    weights = np.arange(1, 301)
    data = prepared(customers().assign(w=weights * scale), tmp_path_factory.mktemp("scale") / "t.csv")
    assert data.weights == pytest.approx(weights / weights.mean())
    data = prepared(customers().assign(w=scale), tmp_path_factory.mktemp("scale") / "t.csv")
    assert data.weights == pytest.approx(np.ones(300))


def test_weight_0_is_no_row(tmp_path):
    """Rows with a weight of 0 are dropped, with a remark: what is learned from is the table without them."""
    table = customers().assign(w=1)
    ballast = table.assign(Churn="Yes", w=0, MonthlyCharges=1e6)
    data, without = prepared(pd.concat([table, ballast]), tmp_path / "t.csv"), prepared(table, tmp_path / "o.csv")
    assert data.signature == without.signature
    assert (data.labels == without.labels).all()
    pd.testing.assert_frame_equal(data.frame, without.frame)
    assert "column 'w' has a weight of 0 in 300 rows: these rows are dropped" in [one.text for one in data.remarks]


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ({7: None, 9: None}, "row 9, column 'w': the weight is missing, as in 1 more"),
        ({0: -1}, "row 2, column 'w': the weight is negative"),
        ({0: "1e999"}, "row 2, column 'w': the weight is infinite"),
        ({2: "heavy"}, "row 4, column 'w': the weight is no number"),
        (dict.fromkeys(range(300), 0), "column 'w': the weight is 0 in every row that has a target"),
    ],
)
def test_faults(tmp_path, cells, complaint):
    """A weight that is missing, negative, infinite or no number is refused with column and row."""
    table = customers().assign(w=pd.Series([1.5] * 300, dtype=object))
    for row, cell in cells.items():
        table.loc[row, "w"] = cell
    with pytest.raises(TrainingError, match=complaint):
        train_on(write_csv(table, tmp_path / "t.csv"), tmp_path, "m", sample_weight="w")


@pytest.mark.parametrize("name", ["Churn", "weight"])
def test_refused_columns(small_table, name):
    """The target is no weight, and a column that does not exist is refused."""
    arguments = ["train", str(small_table), "--target", "Churn", "--sample-weight", name]
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.stderr.splitlines()[-1].count(repr(name))) == (2, 1), done.stderr


def test_printed(with_weights, tmp_path):
    """The command says by which column rows were weighted."""
    arguments = ["train", str(with_weights[0]), "--target", "Churn", "--id", "customerID", "--estimator", "logistic"]
    done = CliRunner().invoke(
        main, [*arguments, "--sample-weight", "w"], env={"CHURN_MODELS_DIR": str(tmp_path / "models")}
    )
    assert done.exit_code == 0, done.stderr
    assert "column 'w'" in done.stdout
    assert read_card(tmp_path / "models" / "default" / "1").parity.proven
