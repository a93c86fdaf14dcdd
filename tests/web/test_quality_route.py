"""GET /api/v1/models/<model>/quality: from predictions by the API to figures."""

from datetime import UTC, datetime, timedelta

import pytest
from builders import customers
from conftest import HORIZON, make_all_live

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.monitoring.outcome_record import Outcome, request_key
from churn_api.monitoring.outcome_store import declare_complete, store
from churn_api.store.database import DatabaseAway
from churn_api.web.core.app_services import services_of
from churn_api.web.core.in_process_api import close
from churn_api.web.v1.shared.quality_schemas import QualitySchema

ROUTE = "/api/v1/models/small/quality"


@pytest.fixture
def app(models_with_horizon):
    app = create_app({"MODELS_DIR": str(models_with_horizon), "TESTING": True})
    services = services_of(app)
    make_all_live(models_with_horizon, services.database)
    services.refresh_models()
    yield app
    close(app)


@pytest.fixture
def client(app, make_key):
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    return client


def measure(services):
    """As the job worker does."""
    services.monitoring.prediction_log.close()
    services.monitoring.log_maintenance.run()
    services.monitoring.quality_update.run()


def leaves(key, *, by_request=False):
    """Tomorrow, which only a test can report today."""
    day = datetime.now(UTC).date() + timedelta(days=1)
    return (0, Outcome(key, by_request=by_request, day=day, left=True, contacted=False))


def test_from_prediction_to_figure(app, client):
    """What the API predicted is measured by customer and by request id, as soon as its outcomes are complete."""
    records = customers(100).drop(columns="Churn").to_dict(orient="records")
    named = [record | {"customerID": f"c{number}"} for number, record in enumerate(records)]
    assert client.post("/api/v1/batch-predict/small", json={"customers": named}).status_code == 200
    unnamed = {name: value for name, value in records[0].items() if name != "customerID"}
    answer = client.post("/api/v1/predict/small", json=unnamed, headers={"X-Request-ID": "of-one"})
    assert answer.status_code == 200, answer.text
    services = services_of(app)
    store(
        services.database,
        "small",
        [leaves(services.monitoring.customer_keys.key(f"c{n}")) for n in range(40)],
        by="tests",
    )
    store(
        services.database,
        "small",
        [leaves(request_key(services.monitoring.customer_keys, "of-one"), by_request=True)],
        by="tests",
    )
    declare_complete(services.database, "small", datetime.now(UTC).date() + timedelta(days=HORIZON + 1), by="tests")
    measure(services)
    body = client.get(ROUTE).get_json()
    assert QualitySchema().validate(body) == {}
    (version,) = body["versions"]
    (window,) = version["windows"]
    assert (version["version"], version["variant"], version["horizon_days"]) == ("1", "live", HORIZON)
    assert (window["predictions"], window["leavers"], window["state"]) == (101, 41, "measured")
    assert window["roc_auc"]["low"] < window["roc_auc"]["value"] < window["roc_auc"]["high"]
    assert body["unknown_outcomes"] == 0
    assert body["advice"] == []
    assert client.get(f"{ROUTE}?days=7").get_json()["versions"][0]["windows"][0]["predictions"] == 101


def test_advice(client):
    """Before anything is known, the answer says what to do."""
    body = client.get(ROUTE).get_json()
    assert (body["complete_until"], body["versions"][0]["windows"]) == (None, [])
    assert any("complete" in text for text in body["advice"])


def test_problems(client, app, monkeypatch):
    """Unknown models, lengths that no window has, and a database that is away are problems."""
    assert client.get("/api/v1/models/none/quality").get_json()["code"] == "unknown-model"
    assert client.get(f"{ROUTE}?days=0").get_json()["code"] == "validation-failed"

    def away(*_, **__):
        raise DatabaseAway("gone")

    monkeypatch.setattr(services_of(app).database, "reading", away)
    assert client.get(ROUTE).status_code == 503
