"""Registering, making live and unloading models over HTTP."""

import hashlib
import io
import json
import shutil
import zipfile

import onnx
import pytest
from builders import CUSTOMER

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.store.audit import latest_entries


@pytest.fixture
def models(models_dir, tmp_path):
    return shutil.copytree(models_dir, tmp_path / "models")


@pytest.fixture
def manager(models, make_key):
    """A client with every scope, and its own models folder."""
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    return client


def version_of(client):
    return client.post("/api/v1/predict/small", json=CUSTOMER).json["model_version"]


def make_live(client, version, model="small"):
    return client.put(f"/api/v1/models/{model}/live", json={"version": version})


def zipped(**files):
    """A ZIP file; a name's double underscore stands for its dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


def bundle(models, **changes):
    """The files of small/1 as they are uploaded."""
    folder = models / "small" / "1"
    card = json.loads((folder / "card.json").read_text()) | changes
    return {"card__json": json.dumps(card), "model__onnx": (folder / "model.onnx").read_bytes()}


def upload(client, data):
    return client.post("/api/v1/models", data={"bundle": (io.BytesIO(data), "bundle.zip")})


def test_live_and_back(manager):
    """A version is made live and rolled back by the same call, and the next prediction uses it each time."""
    assert version_of(manager) == "2"
    changed = make_live(manager, "1")
    assert (changed.status_code, changed.json["live"], changed.json["generation"]) == (200, "1", 2)
    assert version_of(manager) == "1"
    assert make_live(manager, "2").json["generation"] == 3
    assert version_of(manager) == "2"


def test_kept_over_a_restart(manager, models):
    """The live version stays live after a restart, although the folder has a newer one."""
    make_live(manager, "1")
    again = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    assert version_of(again) == "1"


def test_unknown(manager):
    """An unknown model or version is 404, and nothing changes."""
    assert make_live(manager, "9").json["code"] == "unknown-version"
    assert make_live(manager, "1", model="nobody").json["code"] == "unknown-model"
    assert manager.delete("/api/v1/models/nobody").json["code"] == "unknown-model"
    assert version_of(manager) == "2"


@pytest.mark.parametrize("body", [{}, {"version": 1}, {"version": ""}, {"version": "1", "by": "me"}, []])
def test_bad_body(manager, body):
    """An invalid body is a 422 that points to the fault, and nothing changes."""
    response = manager.put("/api/v1/models/small/live", json=body)
    assert response.json["code"] == "validation-failed"
    assert all("pointer" in entry for entry in response.json["errors"])
    assert version_of(manager) == "2"


def test_broken_version_never_lives(manager, models):
    """A version whose files were changed is a 409 that names the file, and the previous version stays live."""
    (models / "small" / "1" / "model.onnx").write_bytes(b"changed")
    refused = make_live(manager, "1")
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert "model.onnx is not the file that was packaged" in refused.json["detail"]
    assert version_of(manager) == "2"


def test_swapped_files_are_refused(manager, models):
    """A version whose card and files were replaced by those of another bundle is refused too."""
    for name in ("card.json", "model.onnx", "model.joblib"):
        shutil.copy(models / "small" / "2" / name, models / "small" / "1" / name)
    card = models / "small" / "1" / "card.json"
    card.write_text(card.read_text().replace('"version": "2"', '"version": "1"'))
    assert "card.json is not the one that was registered" in make_live(manager, "1").json["detail"]


def test_register(manager, models):
    """A bundle in the folder is registered by its path, and served once it is made live."""
    shutil.copytree(models / "small" / "1", models / "small" / "3")
    card = models / "small" / "3" / "card.json"
    card.write_text(card.read_text().replace('"version": "1"', '"version": "3"'))
    assert make_live(manager, "3").json["code"] == "unknown-version"
    registered = manager.post("/api/v1/models", json={"path": "small/3"})
    assert (registered.status_code, registered.json) == (201, {"name": "small", "version": "3"})
    assert registered.headers["Location"] == "/api/v1/models/small"
    assert version_of(manager) == "2"
    assert make_live(manager, "3").status_code == 200
    assert version_of(manager) == "3"


@pytest.mark.parametrize(
    "path",
    ["../small/1", "/etc/passwd", "small", "small/1/..", "small/01", "small/../odd/1", "small\\1", "small/1\n", ""],
)
def test_no_way_out(manager, path):
    """Paths outside the folder are refused, and the response does not repeat them."""
    response = manager.post("/api/v1/models", json={"path": path})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "#/path")
    assert "etc" not in response.json["errors"][0]["message"]


def test_links_are_not_followed(manager, models, tmp_path):
    """A bundle that is a link out of the folder, or holds one, is not registered."""
    outside = shutil.copytree(models / "small" / "1", tmp_path / "outside" / "small" / "4")
    (models / "small" / "4").symlink_to(outside)
    shutil.copytree(models / "small" / "1", models / "small" / "5")
    (models / "small" / "5" / "model.onnx").unlink()
    (models / "small" / "5" / "model.onnx").symlink_to(outside / "model.onnx")
    for path in ("small/4", "small/5"):
        response = manager.post("/api/v1/models", json={"path": path})
        assert response.json["errors"][0]["message"] == "links are not followed."


def test_upload(manager, models):
    """An uploaded bundle becomes its model's next version, without a pickle, and is served once it is made live."""
    sent = upload(manager, zipped(**bundle(models)))
    assert (sent.status_code, sent.json) == (201, {"name": "small", "version": "3"})
    assert sorted(path.name for path in (models / "small" / "3").iterdir()) == ["card.json", "model.onnx"]
    make_live(manager, "3")
    assert version_of(manager) == "3"


def test_upload_with_its_report(manager, models):
    """An uploaded bundle may hold the report of its evaluation, which is kept."""
    report = (models / "small" / "1" / "report.json").read_bytes()
    assert upload(manager, zipped(**bundle(models), report__json=report)).status_code == 201
    assert (models / "small" / "3" / "report.json").read_bytes() == report


def test_upload_of_a_new_model(manager, models):
    """An uploaded new model is not live until it is made so."""
    assert upload(manager, zipped(**bundle(models, name="fresh"))).json == {"name": "fresh", "version": "1"}
    assert manager.get("/api/v1/models/fresh").json["live"] is None
    assert manager.post("/api/v1/predict/fresh", json=CUSTOMER).status_code == 404
    make_live(manager, "1", model="fresh")
    assert manager.post("/api/v1/predict/fresh", json=CUSTOMER).status_code == 200


def reads_a_file(models):
    """A bundle whose graph references weights in a file on the server."""
    graph = onnx.load_from_string(bundle(models)["model__onnx"])
    weights = next(tensor for tensor in graph.graph.initializer if tensor.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", "../../../../etc/passwd"
    data = graph.SerializeToString()
    return {**bundle(models, files={"model.onnx": hashlib.sha256(data).hexdigest()}), "model__onnx": data}


def with_report(models, report):
    """A bundle with this report, whose digest is right."""
    graph = bundle(models)["model__onnx"]
    files = {"model.onnx": hashlib.sha256(graph).hexdigest(), "report.json": hashlib.sha256(report).hexdigest()}
    return {**bundle(models, files=files), "report__json": report}


def bad_uploads(models):
    """Archives that must not be registered, by what is wrong with them."""
    good = bundle(models)
    other = (models / "odd" / "1" / "model.onnx").read_bytes()
    return {
        "pickle": zipped(**good, model__joblib=b"\x80\x04."),
        "outside": zipped(**good, **{"../../evil": b"x"}),
        "no card": zipped(model__onnx=good["model__onnx"]),
        "other model": zipped(**(good | {"model__onnx": other})),
        "no zip": b"PK\x03\x04 broken",
        "empty": b"",
        "bad card": zipped(**(good | {"card__json": "{}"})),
        "not text": zipped(**(good | {"card__json": b"\xff\xfe"})),
        "name": zipped(**bundle(models, name="../../up")),
        "from pickle": zipped(**bundle(models, scorer="sklearn")),
        "reads a file": zipped(**reads_a_file(models)),
        "other report": zipped(**good, report__json=b"{}"),
        "no report": zipped(**with_report(models, b'{"rows": 1}')),
        "bomb": zipped(**(good | {"model__onnx": bytes(20_000_000)})),
    }


WRONG = ["pickle", "outside", "no card", "other model", "no zip", "empty", "bad card", "not text", "name"]


@pytest.mark.parametrize("what", [*WRONG, "from pickle", "reads a file", "other report", "no report", "bomb"])
def test_bad_upload(models, make_key, what):
    """An upload with any other file than a card, its ONNX file and its report is a 422; nothing is written."""
    client = create_app({"MODELS_DIR": str(models), "TESTING": True, "MAX_BUNDLE_BYTES": 1_000_000}).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    before = sorted(models.rglob("*"))
    response = upload(client, bad_uploads(models)[what])
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "#/bundle")
    assert sorted(models.rglob("*")) == before


def test_upload_without_a_file(manager):
    """A form without the file, and an empty form, are 422s that say what is missing."""
    response = manager.post("/api/v1/models", data={"other": (io.BytesIO(b"x"), "x")})
    assert response.json["errors"] == [{"pointer": "#/bundle", "code": "required", "message": "A file is required."}]


def test_unload(manager):
    """Predictions of an unloaded model are 404, and it stays in the list; the default model cannot be unloaded."""
    assert manager.delete("/api/v1/models/small").json["live"] is None
    assert manager.post("/api/v1/predict/small", json=CUSTOMER).json["code"] == "unknown-model"
    assert manager.delete("/api/v1/models/small").json["code"] == "conflict"
    assert manager.delete("/api/v1/models/default").json["code"] == "conflict"
    assert make_live(manager, "2").status_code == 200
    assert version_of(manager) == "2"


def test_stays_unloaded(manager, models):
    """A model that was unloaded is not live again after a restart."""
    manager.delete("/api/v1/models/small")
    again = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    assert again.post("/api/v1/predict/small", json=CUSTOMER).status_code == 404


def test_documents_follow(manager):
    """The API page has the fields of the version that is live now."""
    before = manager.get("/openapi.json").json["components"]["schemas"]["Record_small"]
    make_live(manager, "1")
    after = manager.get("/openapi.json").json["components"]["schemas"]["Record_small"]
    assert before["properties"]["Region"] != after["properties"]["Region"]


def test_audited(manager):
    """Every change is in the audit log with the key that made it."""
    make_live(manager, "1")
    manager.delete("/api/v1/models/odd")
    entries = latest_entries(Services(load_settings()).database, 10)
    assert [(act.action, act.subject) for act in entries[:2]] == [("models.unload", "odd"), ("models.live", "small")]
    assert all(act.actor.endswith("(tests)") for act in entries[:2])
    assert entries[1].detail == {"version": "1", "before": "2"}


def test_status(manager):
    """The status has the live versions, and the limits in force."""
    make_live(manager, "1")
    status = manager.get("/api/v1/status").json
    assert status["models"]["small"] == {"version": "1", "generation": 2}
    assert status["limits"] == {}
