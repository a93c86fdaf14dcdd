"""Bundles whose graphs do too much are refused before any process that serves has loaded them."""

import io
import json
import resource
import shutil
import zipfile

import pytest
from builders import CUSTOMER
from click.testing import CliRunner
from graphs import ENDLESS, HUGE, hostile_bundle

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.cli import main
from churn_api.registry import verification
from churn_api.registry.bundle import BundleError
from churn_api.registry.verification import Unrunnable, verify, verify_each


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """One second in place of ten."""
    monkeypatch.setattr(verification, "CPU_SECONDS", 1)


@pytest.fixture
def models(models_dir, tmp_path):
    return shutil.copytree(models_dir, tmp_path / "models")


def test_each_is_judged_by_itself(models, models_dir):
    """Of many bundles those that need too much or run too long are refused, with the reason; the others pass."""
    small = models_dir / "small" / "1"
    hostile = [hostile_bundle(small, models / kind / "1", kind) for kind in (ENDLESS, *HUGE)]
    endless, *huge = verify_each([(folder, None) for folder in (hostile[0], small, *hostile[1:])])
    assert isinstance(endless, Unrunnable)
    assert "takes longer than 1 s" in str(endless)
    assert huge[0] is None
    assert all(isinstance(error, Unrunnable) and "more memory than is allowed" in str(error) for error in huge[1:])


def test_faults_of_files_are_reported(models):
    """What is wrong with a bundle's files has the words that loading it has."""
    (models / "odd" / "1" / "model.onnx").write_bytes(b"changed")
    with pytest.raises(BundleError, match=r"model\.onnx is not the file that was packaged") as raised:
        verify(models / "odd" / "1")
    assert not isinstance(raised.value, Unrunnable)


def test_a_pipeline_passes(models, monkeypatch):
    """A bundle that serves from scikit-learn brings large libraries, which are not held against it."""
    for limit in ("CPU_SECONDS", "WALL_SECONDS", "START_SECONDS"):
        monkeypatch.setattr(verification, limit, 60)
    card = models / "small" / "1" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"scorer": "sklearn"}))
    verify(models / "small" / "1")


def test_registered_by_path(models, make_key):
    """Registering an endless graph is a 422 with the reason, and what answered before answers on."""
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    hostile_bundle(models / "small" / "2", models / "small" / "3", ENDLESS)
    refused = client.post("/api/v1/models", json={"path": "small/3"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "#/path")
    assert "takes longer" in refused.json["errors"][0]["message"]
    assert client.get("/api/v1/models/small").json["versions"] == ["1", "2"]
    assert client.post("/api/v1/predict/small", json=CUSTOMER).status_code == 200


def test_uploaded(models, tmp_path, make_key):
    """A graph that allocates 8 GB is a 422, is not written, and does not increase the worker's memory."""
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    sent = io.BytesIO()
    with zipfile.ZipFile(sent, "w") as archive:
        for file in hostile_bundle(models / "small" / "1", tmp_path / "big" / "1", HUGE[0]).iterdir():
            archive.write(file, file.name)
    before, largest = sorted(models.rglob("*")), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = client.post("/api/v1/models", data={"bundle": (io.BytesIO(sent.getvalue()), "bundle.zip")})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "#/bundle")
    assert "more memory" in refused.json["errors"][0]["message"]
    assert sorted(models.rglob("*")) == before
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - largest < 100 * 1024


def test_registered_by_the_command(models, monkeypatch):
    """`churn-api models register` and `live` refuse it in a line."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models))
    hostile_bundle(models / "small" / "2", models / "small" / "3", HUGE[1])
    for command in (["register", "small/3"], ["live", "small", "3"]):
        done = CliRunner().invoke(main, ["models", *command])
        assert (done.exit_code, "more memory than is allowed" in done.output) == (2, True)


def test_found_at_the_start(models, caplog):
    """A start does not register an unsafe bundle: it logs that and continues, and no request can pin it."""
    hostile_bundle(models / "small" / "2", models / "small" / "3", HUGE[2])
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    assert "version 3 of model 'small' is not registered" in caplog.text
    assert client.post("/api/v1/predict/small?version=3", json=CUSTOMER).json["code"] == "unknown-version"
    assert client.post("/api/v1/predict/small?version=2", json=CUSTOMER).status_code == 200


def test_memory_of_a_model(models, make_key):
    """A model that needs more memory than MAX_MODEL_BYTES is refused in words, and one that needs less is not."""
    client = create_app({"MODELS_DIR": str(models), "TESTING": True, "MAX_MODEL_BYTES": 1 << 20}).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    shutil.copytree(models / "small" / "2", models / "small" / "3")
    card = models / "small" / "3" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"version": "3"}))
    refused = client.post("/api/v1/models", json={"path": "small/3"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "#/path")
    assert "more memory than is allowed" in refused.json["errors"][0]["message"]
    verify(models / "small" / "3", max_bytes=1 << 30)
