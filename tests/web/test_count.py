"""What the metrics tell of one application: by template, by names of its own, whatever clients send."""

import os
import subprocess
import sys

import numpy as np
import pytest
from builders import CUSTOMER
from conftest import ROOT, SECRET
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from churn_api.app import create_app
from churn_api.store.database import DatabaseAway
from churn_api.telemetry.metric_families import Families, add_one_by_one

METRICS = "/api/v1/metrics"


class Whole(FlaskClient):
    """A client that takes each answer to its end, as a server does: then it is counted."""

    def open(self, *arguments, **options):
        return super().open(*arguments, **{"buffered": True, **options})


@pytest.fixture(autouse=True)
def whole_answers(monkeypatch) -> None:
    monkeypatch.setattr(Flask, "test_client_class", Whole)


def scrape(client) -> dict[tuple[str, frozenset], float]:
    text = client.get(METRICS).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def value(found, name, **labels) -> float:
    """The sum of the samples of a name that have these labels."""
    return sum(told for (one, having), told in found.items() if one == name and labels.items() <= dict(having).items())


def labels(found, name, label) -> set[str]:
    return {dict(having)[label] for one, having in found if one == name}


def test_requests_by_template(client):
    """Requests are counted by the template of their address and their status, never by the address."""
    for _ in range(2):
        client.post("/api/v1/predict/small", json=CUSTOMER)
    client.post("/api/v1/predict/nobody", json=CUSTOMER)
    client.get("/wp-login.php")
    found = scrape(client)
    predict = {"method": "POST", "route": "/api/v1/predict/<model>"}
    assert value(found, "http_requests_total", **predict, status="200") == 2
    assert value(found, "http_requests_total", **predict, status="404") == 1
    assert value(found, "http_requests_total", route="none", status="404") == 1
    assert value(found, "http_request_duration_seconds_count", route=predict["route"]) == 3
    assert not any("wp-login" in str(key) or "nobody" in str(key) for key in found)


def test_unknown_methods(client):
    """Methods that HTTP does not know make no series of their own."""
    for number in range(20):
        client.open("/api/v1/predict", method=f"WEIRD{number}")
    found = scrape(client)
    assert labels(found, "http_requests_total", "method") <= {"_OTHER", "GET", "POST"}
    assert value(found, "http_requests_total", method="_OTHER") == 20


def test_predictions(client):
    """Each scored customer counts once by what was predicted, and in the histogram of probabilities."""
    batch = client.post("/api/v1/batch-predict/small", json={"customers": [CUSTOMER] * 40}).json["predictions"]
    one = client.post("/api/v1/predict/small", json=CUSTOMER).json
    client.post("/api/v1/predict/small?threshold=0", json=CUSTOMER)
    found = scrape(client)
    churning = sum(row["churn_prediction"] for row in [*batch, one]) + 1
    of = {"model": "small", "version": "2"}
    assert value(found, "model_predictions_total", **of, outcome="churn") == churning
    assert value(found, "model_predictions_total", **of) == 42
    assert value(found, "model_probability_count", **of) == 42
    assert value(found, "model_probability_sum", **of) == pytest.approx(42 * one["churn_probability"], abs=1e-5)
    assert value(found, "model_inference_seconds_count", **of) == 3
    assert value(found, "model_batch_rows_count") == 1
    assert value(found, "model_batch_rows_sum") == 40


def test_probabilities_fall_into_their_buckets():
    """A histogram that takes many values at once tells what one that takes them one by one does."""
    registries = [CollectorRegistry(), CollectorRegistry()]
    at_once, one_by_one = (Families(registry).probability.labels("m", "1") for registry in registries)
    values = np.concatenate([np.random.default_rng(3).random(500), np.arange(21) / 20])
    add_one_by_one(at_once.steps_of_many(values))
    for one in values:
        one_by_one.observe(float(one))

    def buckets(registry):
        samples = [sample for family in registry.collect() for sample in family.samples]
        return {sample.labels["le"]: sample.value for sample in samples if sample.name == "model_probability_bucket"}

    assert buckets(registries[0]) == buckets(registries[1])
    assert buckets(registries[0])["0.5"] == (values <= 0.5).sum()
    assert buckets(registries[0])["+Inf"] == 521


def test_faults_by_field(client):
    """Faults are counted by the signature's own fields; whatever else a client names is one series."""
    for number in range(30):
        client.post("/api/v1/predict/small", json={**CUSTOMER, "tenure": "old", f"field-{number}": 1})
    client.post("/api/v1/batch-predict/small", data="Age\nold\n", content_type="text/csv")
    found = scrape(client)
    assert value(found, "validation_failures_total", model="small", field="other", code="unknown-field") == 30
    assert value(found, "validation_failures_total", model="small", field="tenure", code="wrong-type") == 30
    assert not any("field-" in str(key) for key in found)
    fields = labels(found, "validation_failures_total", "field") - {"other"}
    assert fields <= {feature["name"] for feature in signature(client)} | {"customerID", "customer_id"}


def signature(client):
    return client.get("/api/v1/models/small").json["signature"]["features"]


def test_limits_and_logins(models_dir, make_key):
    """Limits that were hit are counted by which, and failed log-ins by why."""
    settings = {"MODELS_DIR": str(models_dir), "TESTING": True, "AUTH": "required", "RATELIMIT_ENABLED": True}
    client = create_app(settings | {"RATELIMIT_BATCH_ROWS": "5/hour"}).test_client()
    ops = {"X-API-Key": make_key("ops", name="ops")}
    one = {"X-API-Key": make_key("predict", name="one", rate="1/hour")}
    many = {"X-API-Key": make_key("predict", name="many")}
    for _ in range(2):
        client.post("/api/v1/predict/small", json=CUSTOMER, headers=one)
    client.post("/api/v1/batch-predict/small", json={"customers": [CUSTOMER] * 6}, headers=many)
    client.post("/api/v1/predict/small", json=CUSTOMER)
    client.post("/api/v1/predict/small", json=CUSTOMER, headers={"X-API-Key": "churn_nobody_x"})
    client.environ_base["HTTP_X_API_KEY"] = ops["X-API-Key"]
    found = scrape(client)
    assert value(found, "rate_limited_total", limit="predict") == 1
    assert value(found, "rate_limited_total", limit="batch rows") == 1
    assert value(found, "login_failures_total", reason="missing-credentials") == 1
    assert value(found, "login_failures_total", reason="invalid-key") == 1


def test_models(models_dir, make_key, tmp_path):
    """The version that answers is told, and how often one could not be loaded."""
    import shutil

    models = shutil.copytree(models_dir, tmp_path / "models")
    (models / "odd" / "1" / "model.onnx").write_bytes(b"")
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key("ops")
    found = scrape(client)
    assert value(found, "model_live_info", model="small", version="2") == 1
    assert value(found, "model_generation", model="small") == 1
    assert value(found, "model_load_failures_total", model="odd") == 1
    assert "odd" not in labels(found, "model_live_info", "model")


def test_jobs_and_a_database_that_is_away(app, client, monkeypatch):
    """The queue is told while the database answers; while it is away, that is told, and everything else goes on."""
    from churn_api.web.core.app_services import services_of

    found = scrape(client)
    assert value(found, "churn_database_up") == 1
    assert labels(found, "churn_jobs", "state") >= {"queued", "running", "failed"}
    assert value(found, "churn_jobs_oldest_seconds") == 0

    def away() -> None:
        raise DatabaseAway("OperationalError")

    monkeypatch.setattr(services_of(app).queue, "depth", away)
    monkeypatch.setattr("churn_api.telemetry.queue_metrics.KEPT_SECONDS", 0)
    found = scrape(client)
    assert value(found, "churn_database_up") == 0
    assert not labels(found, "churn_jobs", "state")
    assert value(found, "http_requests_total") >= 1


def test_for_operators_alone(models_dir, make_key):
    """The route asks for the scope `ops`, is not limited, and answers OpenMetrics where it is asked to."""
    client = create_app(
        {"MODELS_DIR": str(models_dir), "TESTING": True, "RATELIMIT_ENABLED": True, "RATELIMIT_MANAGEMENT": "2/hour"}
    ).test_client()
    assert client.get(METRICS).status_code == 401
    assert client.get(METRICS, headers={"X-API-Key": make_key("predict", name="other")}).status_code == 403
    client.environ_base["HTTP_X_API_KEY"] = make_key("ops")
    answers = [client.get(METRICS) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].content_type.startswith("text/plain; version=")
    open_metrics = client.get(METRICS, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert open_metrics.content_type.startswith("application/openmetrics-text")
    assert open_metrics.text.endswith("# EOF\n")


def test_two_applications(models_dir, make_key):
    """Two applications in one process count apart."""
    key = make_key("ops", "predict")
    first, second = (create_app({"MODELS_DIR": str(models_dir), "TESTING": True}).test_client() for _ in range(2))
    for client in (first, second):
        client.environ_base["HTTP_X_API_KEY"] = key
    first.post("/api/v1/predict/small", json=CUSTOMER)
    assert value(scrape(first), "model_predictions_total") == 1
    assert value(scrape(second), "model_predictions_total") == 0


def test_no_values_and_no_keys(client):
    """Nothing that a client sent, and no key, stands in the metrics."""
    client.post("/api/v1/predict/small", json={**CUSTOMER, "customerID": "Lovelace"})
    client.get("/health?token=Lovelace", headers={"User-Agent": "Lovelace"})
    text = client.get(METRICS).text
    assert "Lovelace" not in text
    assert client.environ_base["HTTP_X_API_KEY"] not in text
    assert SECRET not in text


def test_in_a_host_with_metrics_of_its_own(models_dir, make_key, tmp_path):
    """Mounted where a team counts in files of its own, the API counts there, and leaves the files of others alone."""
    other = tmp_path / "counter_999999999.db"
    script = (
        "import sys; from churn_api.app import create_app; from pathlib import Path;"
        "from prometheus_client.mmap_dict import MmapedDict, mmap_key;"
        f"file = MmapedDict({str(other)!r});"
        "file.write_value(mmap_key('theirs', 'theirs_total', [], [], 'x'), 3.0, 0.0); file.close();"
        f"app = create_app({{'MODELS_DIR': {str(models_dir)!r}, 'TESTING': True}}); client = app.test_client();"
        f"print(client.get('/api/v1/metrics', headers={{'X-API-Key': {make_key('ops')!r}}}).text)"
    )
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "theirs_total 3.0" in done.stdout, done.stderr
    assert "model_generation{" in done.stdout
    assert other.exists()
