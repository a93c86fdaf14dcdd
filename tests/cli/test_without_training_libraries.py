"""An install that only serves: what needs the extra `train` says so, and all else works."""

import json
import shutil
import subprocess
import sys

import pytest

WITHOUT = """
import sys
from importlib.machinery import PathFinder

from churn_api.cli.training_libraries import LIBRARIES

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in LIBRARIES else super().find_spec(name, path, target)

sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]

from churn_api.cli import main

main()
"""


@pytest.fixture
def run(models_dir, tmp_path):
    """Run a command in a process that finds none of the libraries of training."""
    models = tmp_path / "models"
    shutil.copytree(models_dir / "small" / "1", models / "small" / "1")
    monkey = {"CHURN_MODELS_DIR": str(models), "PATH": "/usr/bin:/bin"}

    def start(*arguments):
        command = [sys.executable, "-c", WITHOUT, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=monkey, cwd=tmp_path)

    start.models = models
    return start


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "t.csv", "--target", "Churn"),
        ("package", "model.joblib", "--signature", "s.json"),
        ("signature", "t.csv", "--target", "Churn"),
        ("sample-data",),
        ("models", "compare", "small", "1", "1", "--on", "t.csv"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_which_extra(run, arguments):
    """A command of training is refused in one line that says which extra to install, and prints nothing else."""
    done = run(*arguments)
    message = "Error: the libraries for training are not installed: pip install 'churn-api[train]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_the_rest_works(run, small_table):
    """Help of training, scoring by a compiled model, its report and a comparison of cards need no extra."""
    assert "Examples:" in run("train", "--help").stdout
    assert run("score", small_table, "--model", "small").stdout.count("\n") == 301
    assert "<h1>small, version 1" in run("report", "small", "1").stdout
    assert "ROC-AUC" in run("models", "compare", "small", "1", "1").stdout


def test_served_from_scikit_learn(run, small_table):
    """A bundle that was not compiled is refused with the extra that it needs."""
    folder = run.models / "small" / "1"
    card = json.loads((folder / "card.json").read_text()) | {"scorer": "sklearn"}
    (folder / "card.json").write_text(json.dumps(card))
    done = run("score", small_table, "--model", "small", "-o", "scored.csv")
    assert done.returncode == 2
    assert "which is not installed: pip install 'churn-api[train]'" in done.stderr.splitlines()[-1]
