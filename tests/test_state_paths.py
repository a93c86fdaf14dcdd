"""Where state is: messages on the command line name its path, answers of the API never do."""

import os
import shutil
import subprocess
import sys

import pytest
from builders import CUSTOMER
from click.testing import CliRunner
from conftest import GUNICORN, ROOT

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.cli import main

ASKED = (
    ("GET", "/health/live", None),
    ("GET", "/health/ready", None),
    ("GET", "/health", None),
    ("GET", "/api/v1/health", None),
    ("GET", "/api/v1/status", None),
    ("GET", "/api/v1/models", None),
    ("GET", "/api/v1/models/small", None),
    ("GET", "/api/v1/jobs", None),
    ("GET", "/api/v1/jobs/nope/result", None),
    ("POST", "/api/v1/predict/small", CUSTOMER),
    ("POST", "/api/v1/predict/nobody", CUSTOMER),
    ("POST", "/api/v1/models", {"path": "small/1"}),
    ("POST", "/api/v1/models", {"path": "small/9"}),
    ("POST", "/api/v1/models", {"path": "../small/1"}),
    ("PUT", "/api/v1/models/small/live", {"version": "1"}),
    ("POST", "/api/v1/token", {}),
)
"""Requests whose answers are about state, or fail by it."""


@pytest.fixture
def models(models_dir, tmp_path):
    return shutil.copytree(models_dir, tmp_path / "bundles")


@pytest.fixture
def run(models, monkeypatch):
    """Run the command on models of the test's own."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models))
    return lambda *arguments: CliRunner().invoke(main, arguments)


def no_tables(instance, models):
    (instance / "churn.db").unlink()


def no_database(instance, models):
    (instance / "churn.db").unlink()
    (instance / "churn.db").mkdir()


def broken_bundles(instance, models):
    for graph in models.glob("*/*/model.onnx"):
        graph.write_bytes(b"changed")


def no_models(instance, models):
    shutil.rmtree(models)


def nothing(instance, models): ...


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (nothing, nothing),
        (nothing, no_tables),
        (nothing, no_database),
        (nothing, broken_bundles),
        (nothing, no_models),
        (broken_bundles, nothing),
        (no_models, nothing),
    ],
)
def test_answers_name_no_path(models, instance, make_key, before, after):
    """Whatever is missing or broken, before the start or after it, no answer has a path of this machine."""
    key = {"X-API-Key": make_key(*SCOPES)}
    before(instance, models)
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    after(instance, models)
    for method, address, body in ASKED:
        answer = client.open(address, method=method, json=body, headers=key)
        reported = answer.get_data(as_text=True) + str(answer.headers)
        for path in (instance, models, ROOT):
            assert str(path) not in reported, (address, reported)


@pytest.mark.parametrize(
    ("arguments", "spoil"),
    [
        (["models", "list"], no_tables),
        (["models", "list"], no_database),
        (["keys", "list"], no_tables),
        (["db", "upgrade"], no_database),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value.__name__,
)
def test_commands_name_the_database(run, models, instance, arguments, spoil):
    """A command that the database keeps from its work names the database's file."""
    spoil(instance, models)
    done = run(*arguments)
    assert done.exit_code == 2
    assert str(instance / "churn.db") in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["models", "live", "small", "9"],
        ["models", "live", "small", "1"],
        ["models", "register", "small/1"],
        ["models", "register", "../small/1"],
        ["models", "unload", "nobody"],
        ["models", "show", "small", "9"],
        ["score", "TABLE", "--model", "nobody"],
        ["score", "TABLE", "--model", "small", "--version", "9"],
        ["score", "TABLE", "--model", "small", "--version", "1", "-o", "OUT.csv"],
    ],
    ids=" ".join,
)
def test_commands_name_the_models_folder(run, models, instance, small_table, tmp_path, arguments):
    """A command that is kept from its work by what the models folder holds names the folder."""
    broken_bundles(instance, models)
    named = {"TABLE": str(small_table), "OUT.csv": str(tmp_path / "out.csv")}
    done = run(*(named.get(argument, argument) for argument in arguments))
    assert done.exit_code == 2
    assert str(models) in done.stderr


def test_training_names_the_bundle(run, models, small_table):
    """Training says where it wrote the bundle, or could not."""
    train = ["train", str(small_table), "--target", "Churn", "--id", "customerID", "--estimator", "logistic"]
    done = run(*train, "--name", "mine")
    assert f"Written to {models / 'mine' / '1'}." in done.stderr
    (models / "file").write_text("no folder")
    done = run(*train, "--name", "file")
    assert done.exit_code == 2
    assert f"cannot be written to {models}" in done.stderr


@pytest.mark.parametrize(
    ("settings", "reported"),
    [
        (
            {"CHURN_INSTANCE_DIR": "{file}", "CHURN_JWT_SECRET": ""},
            "{file}/jwt_secret cannot be kept (File exists)",
        ),
        ({"CHURN_INSTANCE_DIR": "{folder}", "CHURN_METRICS_DIR": "{folder}/m"}, "{folder}/churn.db has no tables yet"),
        ({"CHURN_METRICS_DIR": "{file}"}, "the metrics folder {file} cannot be written to (File exists)"),
        ({"CHURN_JWKS_FILE": "{folder}/keys", "CHURN_JWT_ISSUER": "x"}, "{folder}/keys cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_stops_the_start_names_its_path(models_dir, tmp_path, settings, reported):
    """A server that state keeps from starting says in one line which path it is about."""
    paths = {"file": str(tmp_path / "file"), "folder": str(tmp_path / "folder")}
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    chosen = {name: value.format(**paths) for name, value in settings.items()}
    environment = os.environ | {"CHURN_MODELS_DIR": str(models_dir)} | chosen
    done = subprocess.run([GUNICORN, "wsgi:app"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert reported.format(**paths) in line


def test_no_credentials(run, monkeypatch):
    """A database on a server is named by server and name, without the user and the password."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:hunter2@127.0.0.1:1/churn")
    done = run("models", "list")
    assert "127.0.0.1:1/churn" in done.stderr
    assert "somebody" not in done.output + done.stderr
    assert "hunter2" not in done.output + done.stderr


def test_banner(serve, tmp_path):
    """A server without a model says where it looks for one, when it starts and not to its clients."""
    with serve(tmp_path / "nowhere", CHURN_LOG_FORMAT="text") as server:
        assert f"Models folder:\n  {tmp_path / 'nowhere'}\n" in server.log


def test_from_any_folder(tmp_path):
    """The command finds the same state from any working directory, where no variable says otherwise."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHURN_")}
    shown = [
        subprocess.run(
            [sys.executable, "-m", "churn_api", "config"],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for folder in (ROOT, tmp_path)
    ]
    assert shown[0] == shown[1]
    assert str(ROOT / "instance") in shown[0]
