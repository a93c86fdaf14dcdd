"""`--horizon-days`: within how many days the target means that a customer leaves."""

import json

import msgspec
import pytest
from click.testing import CliRunner

from churn_api.cli import main
from churn_api.contract.signature import Signature, SignatureError, Target
from churn_api.registry.bundle import read_card


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_from_command_to_report(run, small_table, tmp_path):
    """`signature` writes the horizon, `train --signature` takes it over into the card, and the report says it."""
    fixed = ["--target", "Churn", "--id", "customerID"]
    written = run("signature", small_table, *fixed, "--horizon-days", 30).stdout
    assert json.loads(written)["target"]["horizon_days"] == 30
    (tmp_path / "signature.json").write_text(written)
    command = ["train", small_table, "--target", "Churn", "--estimator", "logistic"]
    done = run(*command, "--signature", tmp_path / "signature.json")
    assert done.exit_code == 0, done.stderr
    assert "30 days" in done.stdout
    assert read_card(tmp_path / "models" / "default" / "1").signature.target.horizon_days == 30
    assert "the probability that Churn is Yes within 30 days." in run("report", "default", "1").stdout


def test_optional(run, small_table):
    """Without the option, the signature has no horizon."""
    written = run("signature", small_table, "--target", "Churn", "--id", "customerID").stdout
    assert "horizon_days" not in json.loads(written)["target"]


@pytest.mark.parametrize("days", [0, -1, 3661, 1.5, "30", True])
def test_no_number_of_days(days):
    """A horizon is a whole number from 1 to 3660; others are refused where a signature is read."""
    signature = {
        "features": [{"name": "tenure", "type": "integer"}],
        "target": {"name": "Churn", "positive": "Yes", "negative": "No", "horizon_days": days},
    }
    with pytest.raises(SignatureError, match="horizon_days"):
        Signature.from_json(msgspec.json.encode(signature))


@pytest.mark.parametrize("days", ["0", "3661", "1.5", "soon"])
def test_refused_option(run, small_table, days):
    """The option takes the same numbers."""
    done = run("signature", small_table, "--target", "Churn", "--horizon-days", days)
    assert (done.exit_code, "--horizon-days" in done.stderr) == (2, True)


def test_longest_horizon():
    """Ten years are a horizon."""
    assert Target(name="Churn", positive="Yes", negative="No", horizon_days=3660).horizon_days == 3660
