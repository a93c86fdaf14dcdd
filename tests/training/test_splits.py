"""Which rows a model is evaluated on: at random, later ones, or other groups."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from builders import customers, write_csv
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from churn_api.cli import main
from churn_api.registry.bundle import read_card
from churn_api.registry.model import load_model
from churn_api.tables.training_table import read_table, to_columns
from churn_api.training.evaluation_options import EvaluationOptions
from churn_api.training.splits import FOLDS, partition, splits
from churn_api.training.training_error import TrainingError

LABELS = np.arange(200) % 3 % 2


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), min_size=200, max_size=200).filter(lambda times: len(set(times)) > 30))
def test_each_fold_by_time_is_later(times):
    """No row is evaluated by a fold that learned from a row of the same time or later; none is evaluated twice."""
    try:
        parts = splits(LABELS, EvaluationOptions(time="month"), pa.chunked_array([times]), 0)
    except TrainingError:
        return
    values = np.array(times)
    assert len(parts) == FOLDS
    for fitted, evaluated in parts:
        assert values[fitted].max() < values[evaluated].min()
    evaluated = np.concatenate([rows for _, rows in parts])
    assert len(np.unique(evaluated)) == len(evaluated)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdefghijkl"), min_size=200, max_size=200).filter(lambda names: len(set(names)) > 9))
def test_groups_stay_together(groups):
    """No group is in the rows that a fold learns from and in those of its evaluation; each row is evaluated once."""
    try:
        parts = splits(LABELS, EvaluationOptions(group="household"), pa.chunked_array([groups]), 0)
    except TrainingError:
        return
    values = np.array(groups)
    for fitted, evaluated in parts:
        assert not set(values[fitted]) & set(values[evaluated])
    assert sorted(np.concatenate([rows for _, rows in parts])) == list(range(200))


@pytest.mark.parametrize(
    ("evaluation_options", "cells", "complaint"),
    [
        (EvaluationOptions(time="t"), [None, *range(199)], "column 't' is blank in 1 rows"),
        (EvaluationOptions(time="t"), ["31/03/2026", "01/04/2026"] * 100, "write times as 2026-03-31"),
        (EvaluationOptions(time="t"), [1] * 200, "have one class only"),
        (EvaluationOptions(group="g"), ["a", "b"] * 100, "column 'g' has 2 values: folds by it need at least 5"),
    ],
)
def test_columns_that_give_no_folds(evaluation_options, cells, complaint):
    """A column that does not allow five folds is refused with its name and the reason."""
    with pytest.raises(TrainingError, match=complaint):
        splits(LABELS, evaluation_options, pa.chunked_array([cells]), 0)


@pytest.mark.parametrize("option", ["--time", "--group"])
def test_trained(tmp_path, option):
    """The column of `--time` or `--group` is no feature, and the model is evaluated by its folds."""
    table = customers(400).assign(Month=[f"2026-{1 + row % 12:02d}" for row in range(400)])
    path = write_csv(table, tmp_path / "t.csv")
    arguments = [
        "train",
        str(path),
        "--target",
        "Churn",
        "--id",
        "customerID",
        "--estimator",
        "logistic",
        option,
        "Month",
    ]
    result = CliRunner().invoke(main, arguments, env={"CHURN_MODELS_DIR": str(tmp_path / "models")})
    assert result.exit_code == 0, result.stderr
    assert " s left)" in result.stderr
    card = read_card(tmp_path / "models" / "default" / "1")
    assert "Month" not in [feature.name for feature in card.signature.features]
    assert card.parity.proven
    assert 0.5 < card.metrics["candidates"]["logistic"]["roc_auc"]["mean"] < 1


def test_one_of_them(tmp_path):
    """`--time` and `--group` together, or a column that is not there, are refused in one line."""
    path = write_csv(customers(), tmp_path / "t.csv")
    arguments = ["train", str(path), "--target", "Churn", "--time", "tenure", "--group", "Region"]
    assert "--time cannot be combined with --group" in CliRunner().invoke(main, arguments).stderr
    arguments = ["train", str(path), "--target", "Churn", "--time", "Tenure"]
    assert "no column 'Tenure'" in CliRunner().invoke(main, arguments).stderr


def households(groups, seed):
    """Ten rows of each group, which share their numbers and their outcome; only the group decides it."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(groups, 3)).repeat(10, axis=0)
    table = pd.DataFrame(numbers + rng.normal(0, 0.01, numbers.shape), columns=["a", "b", "c"])
    table["household"] = np.arange(groups).repeat(10)
    table["Churn"] = np.where(rng.random(groups) < 0.4, "Yes", "No").repeat(10)
    return table.sample(frac=1, random_state=seed)


def test_calibrated_by_the_same_folds(tmp_path):
    """The packaged model is as sure of new groups as the card says: its calibrator, too, saw no group in advance."""
    path = write_csv(households(200, 0), tmp_path / "t.csv")
    arguments = ["train", str(path), "--target", "Churn", "--group", "household", "--estimator", "wide"]
    result = CliRunner().invoke(main, arguments, env={"CHURN_MODELS_DIR": str(tmp_path / "models")})
    assert result.exit_code == 0, result.stderr
    model = load_model(tmp_path / "models" / "default" / "1")
    assert model.card.metrics["calibration"]["method"] == "sigmoid"
    fresh = households(200, 1)
    columns = to_columns(read_table(write_csv(fresh, tmp_path / "fresh.csv")), model.card.signature)
    loss = log_loss(fresh["Churn"] == "Yes", model.score(columns))
    assert loss == pytest.approx(model.card.metrics["calibration"]["log_loss"]["mean"], abs=0.15)


@given(st.integers(10, 60), st.integers(0, 5))
def test_each_row_once(rows, first):
    """The splits that a calibrator is fitted by evaluate each row once, with those that no fold evaluates."""
    times = pa.chunked_array([np.repeat(np.arange(rows), 10)])
    labels = np.tile([0, 1], rows * 5)
    parts = partition(splits(labels, EvaluationOptions(time="t"), times, first), rows * 10)
    assert np.sort(np.concatenate([held_out for _, held_out in parts])).tolist() == list(range(rows * 10))
    assert all(not set(fitted) & set(held_out) for fitted, held_out in parts)


@pytest.mark.parametrize("option", ["--time", "--group"])
def test_not_a_feature_of_a_declared_signature(tmp_path, option):
    """A declared signature whose feature decides the folds is refused."""
    path = write_csv(customers(), tmp_path / "t.csv")
    declared = CliRunner().invoke(main, ["signature", str(path), "--target", "Churn", "--id", "customerID"]).stdout
    (tmp_path / "s.json").write_text(declared)
    arguments = ["train", str(path), "--target", "Churn", "--signature", str(tmp_path / "s.json"), option, "tenure"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, "'tenure' decides the folds" in result.stderr) == (2, True)
