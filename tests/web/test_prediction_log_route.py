"""GET and DELETE /api/v1/predictions, and `churn-api predictions`: what was predicted is found, and erased."""

import json

import pytest
from builders import CUSTOMER
from click.testing import CliRunner

from churn_api.cli import main
from churn_api.store.audit import latest_entries
from churn_api.web.core.app_services import services_of

ROUTE = "/api/v1/predictions"


@pytest.fixture
def predicted(app, client):
    """Two requests about customer C1, one of them a batch with customer 7, compacted."""
    client.post("/api/v1/predict/small", json=CUSTOMER, headers={"X-Request-ID": "first"})
    many = {"customers": [CUSTOMER | {"customer_id": 7}, CUSTOMER]}
    client.post("/api/v1/batch-predict/small", json=many, headers={"X-Request-ID": "second"})
    compact(app)
    return client


def compact(app):
    services_of(app).monitoring.prediction_log.close()
    services_of(app).monitoring.log_maintenance.run()


def found(client, **parameters):
    response = client.get(ROUTE, query_string=parameters)
    assert response.status_code == 200, response.json
    return [(one["request_id"], one["row"]) for one in response.json["predictions"]]


def run(*words):
    done = CliRunner().invoke(main, ["predictions", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_by_request_and_by_customer(predicted):
    """Predictions are found by the request, or by the customer however the identifier was sent, newest first."""
    assert found(predicted, request_id="second") == [("second", 0), ("second", 1)]
    assert found(predicted, customer_id="C1") == [("second", 1), ("first", 0)]
    assert found(predicted, customer_id="7") == [("second", 0)]
    assert found(predicted, customer_id="C1", limit=1) == [("second", 1)]
    assert found(predicted, customer_id="nobody") == []
    assert found(predicted, customer_id="7", request_id="first") == []
    assert found(predicted) == [("second", 0), ("second", 1), ("first", 0)]


def test_what_a_prediction_says(predicted, client):
    """A found prediction has what was answered: model, version, probability, threshold and decision."""
    answer = client.post("/api/v1/predict/small", json=CUSTOMER).json
    (one,) = client.get(ROUTE, query_string={"request_id": "first"}).json["predictions"]
    assert one["churn_probability"] == pytest.approx(answer["churn_probability"], rel=1e-6)
    assert one["threshold"] == pytest.approx(answer["threshold"], rel=1e-6)
    assert one["churn_prediction"] == answer["churn_prediction"]
    assert (one["model_name"], one["model_version"], one["variant"]) == ("small", "2", "live")


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("?request_id=", ["request_id"]),
        ("?customer_id=", ["customer_id"]),
        ("?customer_id=a&days=0&limit=1001", ["days", "limit"]),
    ],
)
def test_faults(client, query, parameters):
    """Parameters are within bounds; each fault is reported at its parameter."""
    response = client.get(ROUTE + query)
    assert response.status_code == 422
    assert sorted(error["parameter"] for error in response.json["errors"]) == parameters


def test_erase(app, predicted):
    """An erased customer is found no more, at once; others are, and the audit has the act without the identifier."""
    assert predicted.delete(ROUTE).status_code == 422
    answer = predicted.delete(ROUTE, query_string={"customer_id": "C1"})
    assert (answer.status_code, sorted(answer.json)) == (200, ["erased_until"])
    assert found(predicted, customer_id="C1") == []
    assert found(predicted, request_id="second") == [("second", 0)]
    entry = latest_entries(services_of(app).database, 1)[0]
    assert (entry.action, "C1" in str(entry)) == ("predictions.erase", False)
    predicted.post("/api/v1/predict/small", json=CUSTOMER, headers={"X-Request-ID": "third"})
    compact(app)
    assert found(predicted, customer_id="C1") == [("third", 0)]


@pytest.mark.parametrize("scope", ["predict", "jobs", "models:write"])
def test_scope(app, make_key, scope):
    """Finding and erasing need the scope `ops`, even where AUTH=open."""
    client = app.test_client()
    headers = {"X-API-Key": make_key(scope)}
    for method in (client.get, client.delete):
        assert method(f"{ROUTE}?customer_id=C1", headers=headers).status_code == 403
        assert method(f"{ROUTE}?customer_id=C1").status_code == 401


def test_commands(predicted, models_dir, monkeypatch):
    """`churn-api predictions` shows what the route finds, erases, and compacts."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    lines = run("show", "--customer", "C1", "--json").splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == ["second", "first"]
    assert "second" in run("show", "--request", "second")
    run("erase", "C1", "--yes")
    assert run("show", "--customer", "C1", "--json") == ""
    run("compact")


def test_metrics(app, client):
    """What waits for compaction is in the metrics, and so is when the log was last compacted."""
    client.post("/api/v1/predict/small", json=CUSTOMER)
    text = client.get("/api/v1/metrics").text
    assert "churn_log_waiting_bytes 0.0" not in text
    assert "churn_log_waiting_bytes" in text
    assert "churn_log_lost_total 0.0" in text
    compact(app)
    assert services_of(app).monitoring.log_state().waiting_bytes == 0
    assert services_of(app).monitoring.log_state().maintained_at is not None
