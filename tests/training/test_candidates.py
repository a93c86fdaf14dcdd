"""The list of candidates: choices, settings, and what is said of them."""

import json
import re

import joblib
import numpy as np
import pytest
from builders import customers, write_csv
from click.testing import CliRunner
from conftest import ROOT

from churn_api.cli import main
from churn_api.registry.bundle import read_card
from churn_api.training.candidate_list import (
    CANDIDATE_LIST,
    ESTIMATORS,
    SettingError,
    candidate_named,
    parse_settings,
)
from churn_api.training.candidates import CANDIDATES, Learning


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Run the command on a table, and return its result."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))

    def run(table, *options):
        path = write_csv(table, tmp_path / "t.csv")
        arguments = ["train", path, "--target", "Churn", "--id", "customerID", "--json", *options]
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


def card(tmp_path, version="1"):
    return read_card(tmp_path / "models" / "default" / version)


def test_one_list():
    """Each candidate of the list has a pipeline, is a choice of `--estimator`, and is in help with its settings."""
    names = [candidate.name for candidate in CANDIDATE_LIST]
    assert list(CANDIDATES) == names
    assert ("auto", *names) == ESTIMATORS
    shown = CliRunner().invoke(main, ["train", "--help"]).stdout
    for candidate in CANDIDATE_LIST:
        assert f"{candidate.name}: {candidate.description}" in shown
        for setting in candidate.settings:
            assert f"{candidate.name}.{setting.name}={setting.default}" in shown
        assert candidate.cap in candidate.defaults


def test_documentation_names_each_candidate():
    """docs/training.md lists every candidate, in the order of the list."""
    text = (ROOT / "docs" / "training.md").read_text()
    listed = text.split("## What is learned")[1].split("## ")[0]
    assert re.findall(r"^- `(\w+)`: ", listed, re.MULTILINE) == list(CANDIDATES)


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_serves_from_onnx(train, tmp_path, name):
    """Each candidate alone can be trained on numbers, flags, few and many categories, and is compiled."""
    table = customers(400).assign(City=[f"city {number % 120}" for number in range(400)])
    result = train(table, "--estimator", name)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["chosen"] == name
    assert card(tmp_path).scorer == "onnx"
    assert card(tmp_path).parity.largest_difference <= 1e-8


def test_settings_reach_the_classifier(train, tmp_path):
    """`--set`, `--seed` and `--class-weight` change how a candidate learns, and nothing that they do not name."""
    options = ("--estimator", "wide", "--set", "wide.max_leaves=4", "--set", "wide.max_rounds=7")
    assert train(customers(), *options, "--seed", "3", "--class-weight", "balanced").exit_code == 0
    classifier = joblib.load(tmp_path / "models" / "default" / "1" / "model.joblib").named_steps["classifier"]
    classifier = getattr(classifier, "estimator", classifier)
    assert (classifier.max_leaf_nodes, classifier.max_iter, classifier.max_depth) == (4, 7, 8)
    assert (classifier.random_state, classifier.class_weight) == (3, "balanced")


def test_a_cap_is_reported(train, tmp_path):
    """A candidate that learned for as long as its cap allows says so, in the output and in the card; others do not."""
    report = json.loads(train(customers(), "--set", "wide.max_rounds=3").stdout)
    assert report["caps"] == {"wide": {"setting": "max_rounds", "value": 3, "folds": 5}}
    (warning,) = [text for text in report["warnings"] if "max_rounds" in text]
    assert warning == (
        "wide was still improving in 5 of 5 folds: stopped at wide.max_rounds=3 (--set wide.max_rounds=6)"
    )
    assert card(tmp_path).metrics["caps"] == report["caps"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("learning_rate=0.1", "is not CANDIDATE.SETTING=VALUE"),
        ("boosting.learning_rate", "is not CANDIDATE.SETTING=VALUE"),
        ("forest.trees=3", "no candidate is named 'forest': there are 'logistic', 'boosting', 'wide'"),
        ("boosting.rate=0.1", "'boosting' has no setting 'rate': it has 'learning_rate'"),
        ("boosting.learning_rate=fast", "takes a number from 0.001 to 1.0"),
        ("boosting.learning_rate=nan", "takes a number from 0.001 to 1.0"),
        ("boosting.max_rounds=1e3", "takes a whole number from 1 to 100,000"),
        ("logistic.bins=1", "takes a whole number from 2 to 100"),
    ],
)
def test_wrong_settings(train, text, complaint):
    """A setting that there is not, or a value out of range, is refused with what there is."""
    with pytest.raises(SettingError, match=complaint.split(":")[0]):
        parse_settings([text])
    result = train(customers(), "--set", text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr


def test_settings_of_each_candidate():
    """What is not set has its default."""
    learning = Learning(settings=parse_settings(["boosting.l2=2", "wide.max_leaves = 12"]))
    assert learning.of("boosting") == {**candidate_named("boosting").defaults, "l2": 2.0}
    assert learning.of("wide")["max_leaves"] == 12
    assert learning.of("logistic") == candidate_named("logistic").defaults


def test_a_median_on_the_edge_of_a_bin(train, tmp_path):
    """A missing number whose median lies on the edge of a bin gets the bin that the pipeline gives it."""
    rng = np.random.default_rng(0)
    for seed in range(3):
        values = rng.permutation(np.repeat(np.round(rng.normal(size=60), 3), 2) + 0.1)
        table = customers(120, seed=seed)[["customerID", "Churn"]].assign(Delta=values)
        table["Delta"] = table["Delta"].mask(rng.random(120) < 0.1)
        assert train(table, "--estimator", "logistic").exit_code == 0
        assert card(tmp_path, str(seed + 1)).scorer == "onnx"


def test_settings_of_a_candidate_that_is_not_trained(tmp_path):
    """A setting of another candidate than the one that is trained is refused, rather than ignored."""
    path = write_csv(customers(), tmp_path / "t.csv")
    arguments = ["train", str(path), "--target", "Churn", "--estimator", "logistic", "--set", "wide.l2=3"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, "--set wide: only logistic is trained" in result.stderr) == (2, True)
