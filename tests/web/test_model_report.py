"""GET /api/v1/models/<model>/report."""

import base64
import hashlib
import json
import re
import shutil
import sys

import pytest
from click.testing import CliRunner

from churn_api.access.caller import READ_MODELS
from churn_api.app import create_app
from churn_api.cli import main
from churn_api.web.v1.shared.report_schemas import EvaluationReportSchema


def test_live_version(client, models_dir, monkeypatch):
    """The report is that of the live version, and the data of the command's page."""
    answer = client.get("/api/v1/models/small/report")
    assert (answer.status_code, answer.json["model_version"]) == (200, "2")
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    printed = CliRunner().invoke(main, ["report", "small", "2", "--format", "json"]).stdout
    assert answer.json == json.loads(printed)


def test_any_registered_version(client):
    """`version` names any registered version, live or not."""
    assert client.get("/api/v1/models/small/report?version=1").json["model_version"] == "1"
    assert client.get("/api/v1/models/small/report?version=9").json["code"] == "unknown-version"
    assert client.get("/api/v1/models/nobody/report").json["code"] == "unknown-model"


REPORT = "/api/v1/models/small/report"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "media_type", "begins"),
    [
        ("*/*", "application/json", b"{"),
        ("application/json, text/html;q=0.5", "application/json", b"{"),
        (BROWSER, "text/html", b"<!doctype html>"),
        ("image/svg+xml", "image/svg+xml", b"<svg "),
        ("image/*;q=0.5, application/json;q=0.1", "image/svg+xml", b"<svg "),
        ("image/png", "image/png", b"\x89PNG"),
    ],
)
def test_by_accept(client, accept, media_type, begins):
    """`Accept` chooses between the data, the page for people, and its charts; `Vary` says so."""
    answer = client.get(REPORT, headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype, answer.headers["Vary"]) == (200, media_type, "Accept")
    assert answer.data.startswith(begins)


def test_same_as_the_command(client, models_dir, monkeypatch):
    """The page and the charts are those that the command writes."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    for media_type, form in (("text/html", "html"), ("image/svg+xml", "svg"), ("image/png", "png")):
        printed = CliRunner().invoke(main, ["report", "small", "2", "--format", form]).stdout_bytes
        assert client.get(REPORT, headers={"Accept": media_type}).data == printed


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml"])
def test_style_alone(client, media_type):
    """The policy allows the page's own style, by its digest, and nothing else."""
    answer = client.get(REPORT, headers={"Accept": media_type})
    style = re.search(r"<style>(.*?)</style>", answer.text, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert answer.headers["Content-Security-Policy"] == (
        f"default-src 'none'; frame-ancestors 'none'; style-src 'sha256-{digest}'"
    )
    assert " style=" not in answer.text


def test_nothing_accepted(client):
    """A type that there is not is a 406 that lists those that there are."""
    answer = client.get(REPORT, headers={"Accept": "application/pdf"})
    assert (answer.status_code, answer.json["code"]) == (406, "not-acceptable")
    assert "application/json, text/html, image/svg+xml, image/png" in answer.json["detail"]


def test_png_without_the_extra(client, monkeypatch):
    """Where the extra `report` is not installed, a PNG is a 406 that says what to install; the rest works."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    answer = client.get(REPORT, headers={"Accept": "image/png"})
    assert (answer.status_code, answer.json["code"]) == (406, "not-acceptable")
    assert "pip install 'churn-api[report]'" in answer.json["detail"]
    assert client.get(REPORT, headers={"Accept": "image/svg+xml"}).status_code == 200


@pytest.mark.parametrize("model", ["default", "small", "odd"])
def test_as_documented(client, model):
    """The answer has the members that the OpenAPI document says, and no others, at every depth."""
    assert EvaluationReportSchema().validate(client.get(f"/api/v1/models/{model}/report").json) == {}


def test_scope(app, make_key):
    """The caller needs the scope models:read."""
    headers = {"X-API-Key": make_key("predict")}
    refused = app.test_client().get("/api/v1/models/small/report", headers=headers)
    assert (refused.status_code, refused.json["scope"]) == (403, READ_MODELS)


def test_changed_report(models_dir, tmp_path, make_key):
    """A report that was changed is a 503."""
    models = shutil.copytree(models_dir, tmp_path / "models")
    app = create_app({"MODELS_DIR": str(models), "TESTING": True})
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(READ_MODELS)
    (models / "small" / "2" / "report.json").write_text("{}")
    assert client.get("/api/v1/models/small/report").json["code"] == "model-not-ready"


def test_bundle_of_an_earlier_version(models_dir, make_key, tmp_path):
    """A version that was packaged without measurements is a 404 that says what to do."""
    models = shutil.copytree(models_dir, tmp_path / "models")
    folder = models / "small" / "3"
    shutil.copytree(models / "small" / "1", folder)
    card = json.loads((folder / "card.json").read_text()) | {"version": "3"}
    del card["files"]["report.json"]
    (folder / "card.json").write_text(json.dumps(card))
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(READ_MODELS)
    answer = client.get("/api/v1/models/small/report?version=3")
    assert (answer.status_code, answer.json["code"]) == (404, "unknown-report")
    assert "train or package it again" in answer.json["detail"]
