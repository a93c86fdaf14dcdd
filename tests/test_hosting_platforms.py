"""SageMaker and Vertex AI start the service in their own way: by `serve`, with their ports and folder of models."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from builders import CUSTOMER
from click.testing import CliRunner
from conftest import ROOT

from churn_api import config
from churn_api.cli import main
from churn_api.config import ConfigError, load_settings

CHURN_API = str(Path(sys.executable).with_name("churn-api"))
SCRIPT = ROOT / "deploy" / "container" / "serve"


@pytest.fixture
def unset(monkeypatch):
    """No port is set."""
    for name in ("PORT", "API_PORT", *config.PLATFORM_PORTS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("CHURN_MODELS_DIR", raising=False)
    return monkeypatch


@pytest.mark.parametrize("variable", ["SAGEMAKER_BIND_TO_PORT", "AIP_HTTP_PORT"])
def test_port(unset, variable):
    """A platform's variable is the port, unless PORT is set."""
    unset.setenv(variable, "9001")
    assert load_settings()["PORT"] == 9001
    unset.setenv("PORT", "9002")
    assert load_settings()["PORT"] == 9002


@pytest.mark.parametrize("text", ["http", "99999", "1_0", "80.5", "1e999"])
def test_port_that_is_none(unset, text):
    """A port that is not valid stops the start, with the name of what is wrong."""
    unset.setenv("SAGEMAKER_BIND_TO_PORT", text)
    with pytest.raises(ConfigError, match="PORT"):
        load_settings()


def test_models(unset, tmp_path):
    """SageMaker's folder holds the models and its port applies where it exists and nothing else is set."""
    unset.setattr(config, "SAGEMAKER_MODELS", tmp_path)
    settings = load_settings()
    assert (settings["MODELS_DIR"], settings["PORT"]) == (str(tmp_path), 8080)
    unset.setenv("SAGEMAKER_BIND_TO_PORT", "9001")
    unset.setenv("CHURN_MODELS_DIR", "/srv/models")
    settings = load_settings()
    assert (settings["MODELS_DIR"], settings["PORT"]) == ("/srv/models", 9001)


def test_serve_live(serve, models_dir, tmp_path, empty_database, instance):
    """`churn-api serve --live` makes the newest version of each model live first, as its own act."""
    (instance / "churn.db").write_bytes(empty_database.read_bytes())
    command = [CHURN_API, "serve", "--live"]
    with serve(models_dir, command=command) as server:
        assert requests.get(f"{server.url}/ping", timeout=10).status_code == 200
        answer = requests.post(f"{server.url}/api/v1/predict/small", json=CUSTOMER, timeout=10).json()
        assert answer["model_version"] == "2"


def test_versions_that_are_live_stay(serve, models_dir, monkeypatch):
    """`churn-api serve --live` leaves a version that is live."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    assert CliRunner().invoke(main, ["models", "live", "small", "1"]).exit_code == 0
    with serve(models_dir, command=[CHURN_API, "serve", "--live"]) as server:
        answer = requests.post(f"{server.url}/api/v1/predict/small", json=CUSTOMER, timeout=10).json()
        assert answer["model_version"] == "1"


@pytest.fixture
def started(tmp_path):
    """Run the image's `serve`, and return the commands that it runs, each with the folder of models that is set."""
    models, recorder = tmp_path / "model", tmp_path / "churn-api"
    recorder.write_text(f'#!/bin/sh\necho "$* ${{CHURN_MODELS_DIR-unset}}" >> {tmp_path}/calls\n')
    recorder.chmod(0o755)
    script = tmp_path / "serve"
    script.write_text(SCRIPT.read_text().replace("/opt/ml/model", str(models)))

    def run(*arguments, exists, **environment):
        models.mkdir(exist_ok=True) if exists else None
        variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}"} | environment
        subprocess.run(["sh", str(script), *arguments], env=variables, check=True)
        return (tmp_path / "calls").read_text().splitlines()

    return run


def test_serve_at_sagemaker(started):
    """With SageMaker's folder, `serve` migrates the empty database and serves what is there, live."""
    calls = started(exists=True, CHURN_MODELS_DIR="/data/models")
    assert calls == ["db upgrade unset", "serve --live unset"]


def test_serve_with_a_folder_that_was_chosen(started):
    """A folder of models that was chosen stays."""
    assert started(exists=True, CHURN_MODELS_DIR="/srv/models")[-1] == "serve --live /srv/models"


def test_serve_elsewhere(started):
    """Without that folder, `serve` is `churn-api serve`."""
    calls = started("--workers", "3", exists=False, CHURN_MODELS_DIR="/data/models")
    assert calls == ["serve --workers 3 /data/models"]


@pytest.fixture
def named_port(unset, settings_file):
    """Name a port in one of the ways in which it can be: in the environment, or in a file."""

    def name(way, port):
        if way == "file":
            settings_file(f"port = {port}\n")
        else:
            unset.setenv(way, str(port))

    return name


@pytest.mark.parametrize("way", ["PORT", "API_PORT", "AIP_HTTP_PORT", "file"])
def test_alive(serve, models_dir, named_port, way):
    """The image's health check asks at the port that the settings name, wherever they name it."""
    command = [sys.executable, str(ROOT / "deploy" / "container" / "alive.py")]
    with serve(models_dir) as server:
        port = urlsplit(server.url).port
        named_port(way, port)
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (asked.returncode, asked.stderr) == (0, "")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_not_alive_with_bad_settings(unset):
    """Settings that no service starts with are one line, not a traceback."""
    unset.setenv("PORT", "http")
    command = [sys.executable, str(ROOT / "deploy" / "container" / "alive.py")]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (asked.returncode, asked.stderr) == (1, "PORT: Not a valid integer.\n")


def test_image_has_serve():
    """The image has `serve` among its commands, executable, and the folder that it gives up is the image's default."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "deploy/container/serve /opt/churn-api/bin/serve" in dockerfile
    assert "CHURN_MODELS_DIR=/data/models" in dockerfile
    assert os.access(SCRIPT, os.X_OK)
