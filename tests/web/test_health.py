import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from churn_api.app import create_app
from churn_api.registry.worker_reports import WorkerReporter
from churn_api.store.database import Database
from churn_api.telemetry.container import container_memory
from churn_api.web.core.app_services import services_of


def test_probes(client):
    """A process that has loaded its default model is alive and ready."""
    assert client.get("/health/live").json == {"status": "alive"}
    assert client.get("/health/ready").json == {"status": "ready"}


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
def test_report(client, path):
    """The report has the models with their live versions, memory, disk and jobs."""
    report = client.get(path).json
    assert report["status"] == "healthy"
    assert report["checks"]["models"]["live"] == {"default": "1", "odd": "1", "small": "2"}
    assert report["checks"]["memory"]["resident_bytes"] > 0
    assert report["checks"]["memory"]["used_bytes"] < report["checks"]["memory"]["limit_bytes"]
    assert report["checks"]["disk"]["instance"]["free_bytes"] > 0
    assert report["checks"]["disk"]["models"]["total_bytes"] > 0
    assert report["checks"]["jobs"] == {"status": "healthy", "queued": 0, "running": 0, "oldest_seconds": 0}


def test_loaded_models_and_used_space(client):
    """The report says whether the default model answers, how many are loaded, and how full memory and disks are."""
    report = client.get("/health").json
    assert report["model_loaded"] is True
    assert report["checks"]["models"]["loaded"] == 3
    for check in ("memory", "disk"):
        assert 0 < report["checks"][check]["used_percent"] <= 100


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
def test_strict(client, tmp_path, path):
    """With strict=1 an unhealthy service answers a 503 with the checks; a healthy one, and any without it, a 200."""
    assert client.get(f"{path}?strict=1").json["status"] == "healthy"
    unhealthy = create_app({"MODELS_DIR": str(tmp_path)}).test_client()
    response = unhealthy.get(f"{path}?strict=1")
    assert (response.status_code, response.json["code"]) == (503, "model-not-ready")
    assert response.json["checks"]["models"]["status"] == "unhealthy"
    assert "Retry-After" in response.headers
    report = unhealthy.get(f"{path}?strict=0")
    assert (report.status_code, report.json["model_loaded"]) == (200, False)


def test_a_version_that_cannot_be_loaded(models_dir, tmp_path):
    """While the version before answers, a default model whose new version is refused is degraded, not unhealthy."""
    models = shutil.copytree(models_dir, tmp_path / "models")
    app = create_app({"MODELS_DIR": str(models), "DEFAULT_MODEL": "small"})
    (models / "small" / "1" / "model.onnx").write_bytes(b"changed")
    services_of(app).catalog.set_live("small", "1", by="tests")
    services_of(app).refresh_models()
    report = app.test_client().get("/health?strict=1")
    assert (report.status_code, report.json["status"], report.json["model_loaded"]) == (200, "degraded", True)


def test_without_models(tmp_path, make_key):
    """Without a models folder the service starts, is alive, is not ready, and says why."""
    client = create_app({"MODELS_DIR": str(tmp_path / "nowhere")}).test_client()
    assert client.get("/health/live").status_code == 200
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert "holds no model named 'default'" in response.json["detail"]
    assert client.get("/health").json["status"] == "unhealthy"
    assert client.get("/openapi.json").status_code == 200
    key = {"X-API-Key": make_key("models:read")}
    assert client.get("/api/v1/models", headers=key).json == {"models": [], "count": 0}


def test_card(client):
    """The service card links to the main routes."""
    card = client.get("/").json
    assert card["name"] == "churn-api"
    for path in card["links"].values():
        assert client.get(path).status_code in (200, 405)


def test_without_a_database(models_dir, tmp_path):
    """With the database away the report is `degraded`, not `unhealthy`, and still a 200."""
    client = create_app({"MODELS_DIR": str(models_dir)}).test_client()
    services_of(client.application).database = Database("postgresql://nobody@127.0.0.1:1/none")
    response = client.get("/health")
    assert (response.status_code, response.json["status"]) == (200, "degraded")
    assert response.json["checks"]["database"]["reason"] == "the database is away"


def test_a_worker_that_is_behind(client, app):
    """A worker that does not serve the live version makes the report `degraded`, and is counted."""
    services = services_of(app)
    WorkerReporter(services.live).report(services.database)
    assert client.get("/health").json["checks"]["workers"] == {"status": "healthy", "count": 1, "behind": 0}
    services.catalog.set_live("small", "1", by="tests")
    assert client.get("/health").json["checks"]["workers"] == {"status": "degraded", "count": 1, "behind": 1}


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(("limit", "expected"), [("4000", (900, 4000)), ("max", None), ("9223372036854771712", None)])
def test_memory_of_a_container(tmp_path, version, limit, expected):
    """The tightest memory limit of a process applies, without the kernel's cache; without a limit there is none."""
    own, top = tmp_path / "own", tmp_path / "cgroup"
    group = top / ("memory/pod" if version == "1" else "pod")
    (group / "box").mkdir(parents=True)
    used, most, cached = (
        ("memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file")
        if version == "1"
        else ("memory.current", "memory.max", "inactive_file")
    )
    own.write_text("3:cpu,cpuacct:/elsewhere\n" + ("4:memory:/pod/box\n" if version == "1" else "0::/pod/box\n"))
    (group / used).write_text("1000\n")
    (group / most).write_text(f"{limit}\n")
    (group / "memory.stat").write_text(f"cache 500\n{cached} 100\n")
    assert container_memory(10_000, top, own) == expected


@pytest.mark.skipif(not Path("/sys/fs/cgroup/memory").is_dir() or os.getuid() != 0, reason="no group can be made here")
def test_memory_of_a_real_group():
    """A process that the kernel limits knows its limit."""
    group = Path("/sys/fs/cgroup/memory") / f"churn-test-{os.getpid()}"
    code = "from churn_api.telemetry.container import container_memory; print(container_memory(1 << 60))"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("500000000")
        join = f"echo $$ > {group}/cgroup.procs; exec {sys.executable} -c '{code}'"
        output = subprocess.run(["/bin/sh", "-c", join], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    except OSError as error:
        pytest.skip(f"no group can be made here: {error}")
    finally:
        group.rmdir()
    assert "limit=499998720" in output
