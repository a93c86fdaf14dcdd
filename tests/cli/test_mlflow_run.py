"""`train --mlflow`: a training is logged as a run, to a real local tracking store."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from churn_api.cli import main
from churn_api.registry.bundle import read_card
from churn_api.registry.headline_metrics import headline_metrics

COMMAND = str(Path(sys.executable).with_name("churn-api"))
READ_RUNS = """
import json, sys
from mlflow import MlflowClient

client = MlflowClient()
found = client.get_experiment_by_name("churn")
for run in client.search_runs([found.experiment_id]):
    name = run.info.run_id
    files = [file.path for folder in (None, "bundle") for file in client.list_artifacts(name, folder)]
    print(json.dumps({"name": run.info.run_name, "status": run.info.status, "files": files,
                      "params": run.data.params, "metrics": run.data.metrics, "tags": run.data.tags}))
"""


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """The settings of MLflow and of the command, with a new store."""
    if find_spec("mlflow") is None:
        pytest.skip("MLflow is not installed (pip install 'churn-api[mlflow]')")
    monkeypatch.chdir(tmp_path)
    return os.environ | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "CHURN_MODELS_DIR": str(tmp_path / "models"),
    }


def test_logged(small_table, environment, tmp_path):
    """The run has the card's params and metrics, the report and the bundle; stdout stays the JSON object alone."""
    arguments = ["--target", "Churn", "--id", "customerID", "--estimator", "logistic", "--calls", "60", "--json"]
    command = [COMMAND, "train", str(small_table), *arguments, "--mlflow", "churn"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == "1"
    assert "of the MLflow experiment 'churn'" in done.stderr
    (line,) = subprocess.run(
        [sys.executable, "-c", READ_RUNS], capture_output=True, text=True, env=environment
    ).stdout.splitlines()
    run, card = json.loads(line), read_card(tmp_path / "models" / "default" / "1")
    assert (run["name"], run["status"]) == ("default 1", "FINISHED")
    expected = {"estimator": "logistic", "c": "0.1", "seed": "0", "threshold_by": "calls", "calls": "60"}
    assert expected.items() <= run["params"].items()
    measured = headline_metrics(card) | {"threshold": card.policy.threshold, "training_rows": 300}
    assert measured == {name: run["metrics"][name] for name in measured}
    assert {"report.html", *(f"bundle/{name}" for name in ("card.json", *card.files))} <= set(run["files"])
    assert run["tags"]["churn_api.table_sha256"] == card.training.sha256


def test_no_server(small_table, environment, tmp_path):
    """A tracking server that is not there is refused in one line before the training, and nothing is written."""
    nowhere = environment | {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    command = [COMMAND, "train", str(small_table), "--target", "Churn", "--mlflow", "churn"]
    done = subprocess.run(command, capture_output=True, text=True, env=nowhere)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2
    assert last.startswith("Error: --mlflow: MLflow's tracking server cannot be used: ")
    assert not (tmp_path / "models").exists()


def test_without_the_extra(small_table, tmp_path, monkeypatch):
    """Without the extra, the option is refused in one line that says what to install."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))
    done = CliRunner().invoke(main, ["train", str(small_table), "--target", "Churn", "--mlflow", "churn"])
    message = "Error: --mlflow needs the extra 'mlflow': pip install 'churn-api[mlflow]'\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", message)
    assert not (tmp_path / "models").exists()
