"""Versions become live only by a command: a start registers the bundles it finds, logs and audits that, and no more."""

import shutil
import socket

import pytest
from builders import CUSTOMER

from churn_api.app import create_app
from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.store.audit import latest_entries

PREDICT = "/api/v1/predict/small"


@pytest.fixture
def start(models_dir, empty_database, instance):
    """Start on a database without models: `start()`, as often as needed."""
    shutil.copy(empty_database, instance / "churn.db")
    return lambda: create_app({"MODELS_DIR": str(models_dir), "TESTING": True}).test_client()


def audited():
    return latest_entries(Services(load_settings()).database, 100)


def test_a_start_makes_nothing_live(start):
    """A registered version is listed but not served, pinned or not; readiness says why."""
    client = start()
    assert [(one["name"], one["versions"], one["live"]) for one in client.get("/api/v1/models").json["models"]] == [
        ("default", ["1"], None),
        ("odd", ["1"], None),
        ("small", ["1", "2"], None),
    ]
    for route in (PREDICT, f"{PREDICT}?version=1"):
        assert client.post(route, json=CUSTOMER).json["code"] == "unknown-model"
    ready = client.get("/health/ready")
    assert ready.status_code == 503
    assert "no version of 'default' is live" in ready.json["detail"]


def test_a_start_says_what_waits(start, caplog):
    """A start logs what it registered and the command that makes it live; the next start what is still not live."""
    start()
    assert "registered and not live: default 1, odd 1, small 1, small 2; `churn-api models live" in caplog.text
    caplog.clear()
    start()
    assert "registered and not live: default 1, odd 1, small 2; `churn-api models live" in caplog.text


def test_acts_of_a_start_are_audited(start):
    """What a start registers is in the audit once, with the machine that started."""
    start()
    start()
    acted = [(act.actor, act.action) for act in audited() if act.action.startswith("models.")]
    assert acted == [(f"start ({socket.gethostname()})", "models.register")] * 4


def test_made_live_by_a_command(start, models_dir):
    """A version that is made live is served, also after restarts, and the audit log records by whom."""
    client = start()
    services = Services(load_settings({"MODELS_DIR": str(models_dir)}))
    services.management.make_live("small", "1", by="command (anna)")
    client.application.extensions["churn_api"].watcher.poll()
    for now in (client, start()):
        assert now.post(PREDICT, json=CUSTOMER).json["model_version"] == "1"
    last = audited()[0]
    assert (last.actor, last.action, last.subject) == ("command (anna)", "models.live", "small")
