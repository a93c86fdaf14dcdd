"""The metrics of one application: labels are route templates and known names, whatever clients send."""

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
from churn_api.telemetry import background_query
from churn_api.telemetry.metric_families import Families, add_one_by_one

METRICS = "/api/v1/metrics"


class ReadToEnd(FlaskClient):
    """A client that reads each response to its end, as a server does: then it is counted."""

    def open(self, *arguments, **options):
        return super().open(*arguments, **{"buffered": True, **options})


@pytest.fixture(autouse=True)
def read_to_end(monkeypatch) -> None:
    monkeypatch.setattr(Flask, "test_client_class", ReadToEnd)


def scrape(client) -> dict[tuple[str, frozenset], float]:
    text = client.get(METRICS).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def value(samples, name, **labels) -> float:
    """The sum of the samples of a name that have these labels."""
    matching = [key for key in samples if key[0] == name and labels.items() <= dict(key[1]).items()]
    return sum(samples[key] for key in matching)


def labels(samples, name, label) -> set[str]:
    return {dict(having)[label] for one, having in samples if one == name}


def test_requests_by_template(client):
    """Requests are counted by route template and status, never by path."""
    for _ in range(2):
        client.post("/api/v1/predict/small", json=CUSTOMER)
    client.post("/api/v1/predict/nobody", json=CUSTOMER)
    client.get("/wp-login.php")
    samples = scrape(client)
    predict = {"method": "POST", "route": "/api/v1/predict/<model>"}
    assert value(samples, "http_requests_total", **predict, status="200") == 2
    assert value(samples, "http_requests_total", **predict, status="404") == 1
    assert value(samples, "http_requests_total", route="none", status="404") == 1
    assert value(samples, "http_request_duration_seconds_count", route=predict["route"]) == 3
    assert not any("wp-login" in str(key) or "nobody" in str(key) for key in samples)


def test_unknown_methods(client):
    """Unknown methods do not create series."""
    for number in range(20):
        client.open("/api/v1/predict", method=f"WEIRD{number}")
    samples = scrape(client)
    assert labels(samples, "http_requests_total", "method") <= {"_OTHER", "GET", "POST"}
    assert value(samples, "http_requests_total", method="_OTHER") == 20


def test_predictions(client):
    """Each scored customer counts once by what was predicted, and in the histogram of probabilities."""
    batch = client.post("/api/v1/batch-predict/small", json={"customers": [CUSTOMER] * 40}).json["predictions"]
    one = client.post("/api/v1/predict/small", json=CUSTOMER).json
    client.post("/api/v1/predict/small?threshold=0", json=CUSTOMER)
    samples = scrape(client)
    churning = sum(row["churn_prediction"] for row in [*batch, one]) + 1
    of = {"model": "small", "version": "2"}
    assert value(samples, "model_predictions_total", **of, outcome="churn") == churning
    assert value(samples, "model_predictions_total", **of) == 42
    assert value(samples, "model_probability_count", **of) == 42
    assert value(samples, "model_probability_sum", **of) == pytest.approx(42 * one["churn_probability"], abs=1e-5)
    assert value(samples, "model_inference_seconds_count", **of) == 3
    assert value(samples, "model_batch_rows_count") == 1
    assert value(samples, "model_batch_rows_sum") == 40


def test_probabilities_fall_into_their_buckets():
    """A histogram that observes many values at once equals one that observes them one by one."""
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
    """Faults are counted by the signature's fields; all other names are one series."""
    for number in range(30):
        client.post("/api/v1/predict/small", json={**CUSTOMER, "tenure": "old", f"field-{number}": 1})
    client.post("/api/v1/batch-predict/small", data="Age\nold\n", content_type="text/csv")
    samples = scrape(client)
    assert value(samples, "validation_failures_total", model="small", field="other", code="unknown-field") == 30
    assert value(samples, "validation_failures_total", model="small", field="tenure", code="wrong-type") == 30
    assert not any("field-" in str(key) for key in samples)
    fields = labels(samples, "validation_failures_total", "field") - {"other"}
    assert fields <= {feature["name"] for feature in signature(client)} | {"customerID", "customer_id"}


def signature(client):
    return client.get("/api/v1/models/small").json["signature"]["features"]


def test_limits_and_logins(models_dir, make_key):
    """Exceeded limits are counted by limit, and failed log-ins by reason."""
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
    samples = scrape(client)
    assert value(samples, "rate_limited_total", limit="predict") == 1
    assert value(samples, "rate_limited_total", limit="batch rows") == 1
    assert value(samples, "login_failures_total", reason="missing-credentials") == 1
    assert value(samples, "login_failures_total", reason="invalid-key") == 1


def test_models(models_dir, make_key, tmp_path):
    """The metrics have the live version, and the number of load failures."""
    import shutil

    models = shutil.copytree(models_dir, tmp_path / "models")
    (models / "odd" / "1" / "model.onnx").write_bytes(b"")
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key("ops")
    samples = scrape(client)
    assert value(samples, "model_live_info", model="small", version="2") == 1
    assert value(samples, "model_generation", model="small") == 1
    assert value(samples, "model_load_failures_total", model="odd") == 1
    assert "odd" not in labels(samples, "model_live_info", "model")


def test_jobs_and_a_database_that_is_away(app, client, monkeypatch):
    """The metrics have the queue's length; while the database is away they say so, and the rest works."""
    from churn_api.web.core.app_services import services_of

    samples = scrape(client)
    assert value(samples, "churn_database_up") == 1
    assert labels(samples, "churn_jobs", "state") >= {"queued", "running", "failed"}
    assert value(samples, "churn_jobs_oldest_seconds") == 0

    def away() -> None:
        raise DatabaseAway("OperationalError")

    monkeypatch.setattr(services_of(app).jobs.queue, "depth", away)
    later = background_query.monotonic() + 3600
    monkeypatch.setattr(background_query, "monotonic", lambda: later)
    samples = scrape(client)
    assert value(samples, "churn_database_up") == 0
    assert not labels(samples, "churn_jobs", "state")
    assert value(samples, "http_requests_total") >= 1


def test_scope_ops(models_dir, make_key):
    """The route requires the scope `ops`, is not limited, and returns OpenMetrics where Accept asks for it."""
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
    """Two applications in one process have separate metrics."""
    key = make_key("ops", "predict")
    first, second = (create_app({"MODELS_DIR": str(models_dir), "TESTING": True}).test_client() for _ in range(2))
    for client in (first, second):
        client.environ_base["HTTP_X_API_KEY"] = key
    first.post("/api/v1/predict/small", json=CUSTOMER)
    assert value(scrape(first), "model_predictions_total") == 1
    assert value(scrape(second), "model_predictions_total") == 0


def test_no_values_and_no_keys(client):
    """The metrics have no values that a client sent, and no keys."""
    client.post("/api/v1/predict/small", json={**CUSTOMER, "customerID": "Lovelace"})
    client.get("/health?token=Lovelace", headers={"User-Agent": "Lovelace"})
    text = client.get(METRICS).text
    assert "Lovelace" not in text
    assert client.environ_base["HTTP_X_API_KEY"] not in text
    assert SECRET not in text


def test_in_a_host_with_metrics_of_its_own(models_dir, make_key, tmp_path):
    """Mounted in an application with a multiprocess directory, the API uses it, and leaves other files alone."""
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
