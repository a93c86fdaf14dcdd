"""GET /api/v1/models/<model>/watch: what was predicted, compared with the training rows."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from builders import customers, write_csv
from conftest import train_on

from churn_api.app import create_app
from churn_api.config import load_settings
from churn_api.monitoring.hourly_counts import HourKey, write
from churn_api.registry.model import load_model
from churn_api.services import Services
from churn_api.store.database import DatabaseAway
from churn_api.web.core.app_services import services_of
from churn_api.web.core.in_process_api import close

ROUTE = "/api/v1/models/small/watch"
JSON = {"Content-Type": "application/json"}


def columns_of(model, table):
    body = table.drop(columns="Churn").to_json(orient="records")
    return model.reader.read_many(b'{"customers":' + body.encode() + b"}", 10_000).columns


def count_before(app, model, columns, hours):
    """Customers who were predicted so many hours ago."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
    counts = model.bins.count(columns, model.score(columns))
    key = HourKey(model.card.name, model.card.version, hour)
    write(services_of(app).database, f"{hours} hours ago", {key: counts})


def test_quiet_then_drifted(app, client, models_dir):
    """Customers like those of training are quiet; where one feature shifts, it is named, and nothing else."""
    model = load_model(models_dir / "small" / "1")
    count_before(app, model, columns_of(model, customers(400, seed=7)), hours=60)
    quiet = client.get(f"{ROUTE}?version=1").get_json()
    assert quiet["state"] == "quiet"
    assert quiet["alerts"] == []
    changed = customers(400, seed=8)
    changed["tenure"] = changed["tenure"] // 12
    count_before(app, model, columns_of(model, changed), hours=30)
    found = client.get(f"{ROUTE}?version=1").get_json()
    assert found["alerts"] == ["tenure"]
    assert found["state"] == "drifted"
    (tenure,) = [one for one in found["features"] if one["feature"] == "tenure"]
    assert (tenure["alert"], tenure["state"]) == (True, "drifted")
    assert sum(one["after"] for one in tenure["bins"]) == pytest.approx(1)
    assert tenure["bins"][0]["after"] > 0.5
    assert [window["rows"] for window in found["windows"]] == [400, 400]
    assert found["windows"][0]["expected"]["roc_auc"] == pytest.approx(
        found["baseline"]["expected"]["roc_auc"], abs=0.1
    )


@pytest.mark.parametrize("version", ["1", "2"])
def test_customers_of_the_training_table(app, client, models_dir, version):
    """Predictions about the customers that the model learned from, where it is surer than elsewhere, are quiet."""
    model = load_model(models_dir / "small" / version)
    columns = columns_of(model, customers())
    count_before(app, model, columns, hours=30)
    (window,) = client.get(f"{ROUTE}?version={version}").get_json()["windows"]
    assert window["state"] == "quiet"


def test_database_away(app, client, monkeypatch):
    """While the database is away the watch is a 503 that says when to ask again."""

    def away(*_):
        raise DatabaseAway("away")

    monkeypatch.setattr(services_of(app).database, "reading", away)
    answer = client.get(ROUTE)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "dependency-unavailable")
    assert answer.headers["Retry-After"]


def test_requests_count(app, client):
    """A record, a batch and a table of this moment are in the open window."""
    record = {"tenure": 5, "Contract": "One year", "MonthlyCharges": 50.0, "Partner": True}
    table = customers(40).drop(columns="Churn").to_csv(index=False)
    assert client.post("/api/v1/predict/small", json=record).status_code == 200
    assert client.post("/api/v1/batch-predict/small", json={"customers": [record] * 5}).status_code == 200
    assert (
        client.post("/api/v1/batch-predict/small", data=table, content_type="text/csv", buffered=True).status_code
        == 200
    )
    services_of(app).monitoring.drift_counter.flush()
    (window,) = client.get(ROUTE).get_json()["windows"]
    assert (window["rows"], window["open"], window["state"]) == (46, True, "too-few")


def test_bins_are_those_of_the_signature(client):
    """Bins say what they are: the labels of a boolean, categories, ranges that follow each other, missing values."""
    features = {one["feature"]: one for one in client.get(ROUTE).get_json()["features"]}
    assert [one.get("category") for one in features["Partner"]["bins"]] == ["No", "Yes", None]
    kinds = [one["kind"] for one in features["Contract"]["bins"]]
    assert kinds == ["category", "category", "category", "others", "unseen", "missing"]
    *ranges, missing = features["tenure"]["bins"]
    assert missing["kind"] == "missing"
    assert [one.get("upper") for one in ranges[:-1]] == [one["lower"] for one in ranges[1:]]
    assert sum(one["before"] for one in ranges) == pytest.approx(1)


@pytest.mark.parametrize(
    ("route", "status", "code"),
    [
        ("/api/v1/models/nothing/watch", 404, "unknown-model"),
        (f"{ROUTE}?version=9", 404, "unknown-version"),
        (f"{ROUTE}?days=91", 422, "validation-failed"),
        (f"{ROUTE}?days=x", 422, "validation-failed"),
    ],
)
def test_refused(client, route, status, code):
    """What cannot be watched is refused in words."""
    answer = client.get(route)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_versions(client):
    """Any registered version may be asked for; by default it is the live one."""
    assert client.get(ROUTE).get_json()["model_version"] == "2"
    assert client.get(f"{ROUTE}?version=1").get_json()["model_version"] == "1"


def test_without_a_baseline(tmp_path, instance):
    """A version that was packaged from few rows says that it cannot be watched, and what to do; it predicts."""
    train_on(write_csv(customers(150), tmp_path / "table.csv"), tmp_path / "models", "few")
    services = Services(load_settings({"MODELS_DIR": str(tmp_path / "models")}))
    services.management.register("few/1", by="tests")
    services.management.make_live("few", "1", by="tests")
    services.database.close()
    app = create_app({"MODELS_DIR": str(tmp_path / "models"), "TESTING": True})
    answer = app.test_client().get("/api/v1/models/few/watch")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown-baseline")
    assert "train it again" in answer.get_json()["detail"]
    record = json.dumps({"tenure": 5, "Contract": "One year", "MonthlyCharges": 50.0, "Partner": True})
    assert app.test_client().post("/api/v1/predict/few", data=record, headers=JSON).status_code == 200
    close(app)
