"""The targets of the Makefile that start something."""

import os
import subprocess
from pathlib import Path

import pytest
import requests
from conftest import ROOT, serving

JSON = {"Content-Type": "application/json"}
COMMAND = """#!/bin/sh
echo "$CHURN_INSTANCE_DIR $1" >> "$CALLS"
[ "$1" != train ] || { mkdir -p "$CHURN_MODELS_DIR/default/1" && touch "$CHURN_MODELS_DIR/default/1/card.json"; }
"""
DOCKER = '#!/bin/sh\necho "$@" >> "$CALLS"\n'


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Run make with a Docker that only notes how it is called."""
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return lambda *words: subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True)


def calls() -> list[str]:
    return Path(os.environ["CALLS"]).read_text().splitlines()


def test_serve_dev(models_dir, tmp_path):
    """`make serve-dev` serves, ends with make, and shows a client no more of an error than any other start."""
    if not (ROOT / ".venv" / "bin" / "churn-api").exists():
        pytest.skip("there is no .venv that make serves from")
    command = ["make", "--old-file", ".venv/runtime", "serve-dev"]
    with serving(models_dir, tmp_path / "log", command=command, CHURN_JOB_WORKER="0") as server:
        answer = requests.post(f"{server.url}/api/v1/predict/small", data="{", headers=JSON, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed-json")
        assert "Traceback" not in answer.text
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/health/live", timeout=5)


def test_demo(make, tmp_path):
    """`make demo` trains two versions, simulates a month and serves, in its own folder; later starts train nothing."""
    (tmp_path / "churn-api").write_text(COMMAND)
    (tmp_path / "churn-api").chmod(0o755)
    words = ("--old-file", ".venv/runtime", f"BIN={tmp_path}", f"DEMO={tmp_path / 'state'}", "demo")
    assert make(*words).returncode == 0
    trained = ("sample-data", "train") * 2
    assert calls() == [f"{tmp_path}/state {word}" for word in ("db", *trained, "demo", "db", "serve")]
    Path(os.environ["CALLS"]).unlink()
    assert make(*words).returncode == 0
    assert calls() == [f"{tmp_path}/state {word}" for word in ("db", "demo", "db", "serve")]


def test_docker_build(make):
    """`make docker-build` builds the image by the name that the documents use."""
    assert make("docker-build").returncode == 0
    assert calls() == ["build --tag churn-api ."]


def test_docker_prod(make, tmp_path):
    """`make docker-prod` starts the composition with the secrets that it is given, and says so where there are none."""
    without = make("docker-prod")
    assert without.returncode != 0
    assert "docs/deployment.md" in without.stderr
    Path(os.environ["CALLS"]).unlink()
    assert make("docker-prod", f"SECRETS_DIR={tmp_path}").returncode == 0
    assert calls() == ["build --tag churn-api .", "compose --file deploy/compose.yaml up --detach --wait"]
