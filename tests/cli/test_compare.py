"""`churn-api models compare`, as used in a shell and by a script."""

import json
import shutil

import msgspec
import numpy as np
import pytest
from builders import customers, write_csv
from click.testing import CliRunner
from conftest import train_on
from hypothesis import given
from hypothesis import strategies as st

from churn_api.cli import main
from churn_api.registry.bundle import read_card, write_bundle
from churn_api.registry.comparison import compare, worse
from churn_api.registry.headline_metrics import METRICS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Version 1 is trained on customers, version 2 on customers whose churn is noise."""
    home = tmp_path_factory.mktemp("compared")
    train_on(write_csv(customers(400), home / "good.csv"), home / "models", "telco")
    noise = customers(400)
    noise["Churn"] = np.random.default_rng(0).permutation(noise["Churn"])
    train_on(write_csv(noise, home / "noise.csv"), home / "models", "telco")
    write_csv(customers(400, seed=7), home / "holdout.csv")
    return home


@pytest.fixture
def run(folder, monkeypatch):
    monkeypatch.setenv("CHURN_MODELS_DIR", str(folder / "models"))
    return lambda *arguments: CliRunner().invoke(main, ["models", "compare", *map(str, arguments)])


def test_side_by_side(run):
    """The metrics of both versions stand side by side, with their difference and what it means."""
    done = run("telco", "1", "2")
    assert done.exit_code == 0, done.stderr
    head, first, *_ = done.stdout.splitlines()
    assert head.split() == ["metric", "version", "1", "version", "2", "difference"]
    assert (first.split()[0], first.split()[-1]) == ("ROC-AUC", "worse")
    assert "measured on different rows" in done.stderr


def test_json(run, folder):
    """`--json` prints one object, whose figures are the cards'."""
    compared = json.loads(run("telco", "1", "2", "--json").stdout)
    assert set(compared["metrics"]) == set(METRICS)
    card = read_card(folder / "models" / "telco" / "1")
    assert compared["metrics"]["roc_auc"]["first"] == card.metrics["calibration"]["roc_auc"]["mean"]
    assert compared["worse"] is True


def test_fail_if_worse(run):
    """`--fail-if-worse` exits with 3 where the second version is worse, and names the metrics; else with 0."""
    failed = run("telco", "1", "2", "--fail-if-worse")
    assert (failed.exit_code, "version 2 of 'telco' is worse: ROC-AUC -" in failed.stderr) == (3, True)
    assert run("telco", "2", "1", "--fail-if-worse").exit_code == 0
    assert run("telco", "1", "1", "--fail-if-worse").exit_code == 0
    assert run("telco", "1", "2", "--fail-if-worse", "--margin", "1").exit_code == 0


def test_on_a_table(run, folder):
    """`--on TABLE` measures both versions on the same customers."""
    done = run("telco", "1", "2", "--on", folder / "holdout.csv", "--json", "--fail-if-worse")
    assert (done.exit_code, "different rows" in done.stderr) == (3, False)
    again = json.loads(run("telco", "1", "1", "--on", folder / "holdout.csv", "--json").stdout)
    assert {metric["difference"] for metric in again["metrics"].values()} == {0}
    assert json.loads(done.stdout)["metrics"]["roc_auc"]["first"] == again["metrics"]["roc_auc"]["first"]


def test_where_none_is_live(run):
    """Where no version is live there is nothing to be worse than, and a script goes on."""
    result = run("telco", "live", "2", "--fail-if-worse")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no version of 'telco' is live" in result.stderr


def test_where_the_live_version_is_not_known(run, monkeypatch, tmp_path):
    """A database that cannot be read is refused: the newest version must not be taken for the live one."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/nowhere/churn.db")
    result = run("telco", "live", "2", "--fail-if-worse")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the live version is not known" in result.stderr


def test_with_the_live_version(run):
    """`live` means the live version."""
    CliRunner().invoke(main, ["models", "live", "telco", "1"])
    assert json.loads(run("telco", "live", "2", "--json").stdout)["first"] == "1"
    assert run("telco", "live", "2", "--fail-if-worse").exit_code == 3


def test_without_metrics(run, folder, tmp_path, monkeypatch):
    """A version without metrics is refused with the remedy, and can be measured on a table."""
    models = shutil.copytree(folder / "models", tmp_path / "models")
    first = models / "telco" / "1"
    card = msgspec.structs.replace(read_card(first), metrics={})
    write_bundle(models, card, {"model.onnx": (first / "model.onnx").read_bytes()})
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models))
    done = run("telco", "1", "3")
    assert (done.exit_code, "version 3 of 'telco' has no metrics" in done.stderr) == (2, True)
    assert run("telco", "1", "3", "--on", folder / "holdout.csv", "--fail-if-worse").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["telco", "1", "9"], "has no version 9"),
        (["telko", "1", "2"], "Did you mean 'telco'?"),
        (["telco", "1", "2", "--on", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["telco", "1", "2", "--margin", "nan"], "nan"),
    ],
)
def test_refusals(run, arguments, message):
    """A version or a table that does not exist is refused, with code 2."""
    done = run(*arguments)
    assert (done.exit_code, message in done.stderr) == (2, True), done.stderr


def test_table_without_target(run, tmp_path):
    """A table that does not say who churned is refused by the name of the column."""
    done = run("telco", "1", "2", "--on", write_csv(customers(50).drop(columns="Churn"), tmp_path / "t.csv"))
    assert (done.exit_code, "has no column 'Churn'" in done.stderr) == (2, True)


METRIC_VALUES = st.fixed_dictionaries({name: st.floats(0, 1) for name in METRICS})


@given(METRIC_VALUES, METRIC_VALUES, st.floats(0, 0.5))
def test_never_both_worse(one, other, margin):
    """What is worse one way round is better the other way round, and nothing is worse than itself."""
    ways = {"better": "worse", "worse": "better", "alike": "alike"}
    there, back = compare(one, other, margin), compare(other, one, margin)
    assert [ways[change.result] for change in there] == [change.result for change in back]
    assert worse(compare(one, one, margin)) == []
