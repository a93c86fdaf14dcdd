"""The metrics of the watch on live versions."""

import threading

import pytest
from builders import customers
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from churn_api.config import load_settings
from churn_api.registry.model import load_model
from churn_api.services import Services
from churn_api.store.database import DatabaseAway
from churn_api.telemetry import background_query, watch_metrics
from churn_api.telemetry.watch_metrics import WatchCollector


@pytest.fixture
def services(models_dir):
    services = Services(load_settings({"MODELS_DIR": str(models_dir)}))
    yield services
    services.database.close()


def count(services, models_dir, rows):
    model = load_model(models_dir / "small" / "2")
    body = customers(rows).drop(columns="Churn").to_json(orient="records").encode()
    columns = model.reader.read_many(b'{"customers":' + body + b"}", 10_000).columns
    counter = services.monitoring.drift_counter
    counter.add("small", "2", model.bins.count(columns, model.score(columns)))
    counter.flush()


def samples(services):
    registry = CollectorRegistry()
    registry.register(WatchCollector(services.monitoring.watched_or_none))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(sample.name, sample.labels.get("column")): sample for family in families for sample in family.samples}


def test_columns(services, models_dir):
    """Each feature of a live version that has a window, and its probability, have a state, an index and an alert."""
    count(services, models_dir, 300)
    found = samples(services)
    columns = ["tenure", "MonthlyCharges", "Partner", "Contract", "Region", "churn_probability"]
    for metric in ("churn_watch_state", "churn_watch_psi", "churn_watch_alert"):
        assert [column for name, column in found if name == metric] == columns
    assert found["churn_watch_state", "tenure"].labels == {"model": "small", "version": "2", "column": "tenure"}
    assert found["churn_watch_state", "tenure"].value == 0
    assert found["churn_watch_rows", None].value == 300
    assert 0.5 < found["churn_expected_roc_auc", None].value < 1


def test_too_few(services, models_dir):
    """A version whose window is too small to be compared has no sample."""
    count(services, models_dir, 150)
    assert samples(services) == {}


def test_database_away(services, monkeypatch):
    """While the database is away a scrape has no samples of the watch, and no error."""

    def away(*_):
        raise DatabaseAway("away")

    monkeypatch.setattr(services.catalog, "read", away)
    assert samples(services) == {}


def test_while_it_is_compared_anew(services, models_dir, monkeypatch):
    """A scrape during a comparison that takes long has the samples of before: an alert does not end for it."""
    count(services, models_dir, 300)
    release = threading.Event()
    answers = [services.monitoring.watched_or_none()]

    def query():
        return answers.pop() if answers else release.wait(60) and None

    monkeypatch.setattr(background_query, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(watch_metrics, "CACHE_SECONDS", 0)
    collector = WatchCollector(query)
    first, second = (sum(len(metric.samples) for metric in collector.collect()) for _ in range(2))
    release.set()
    assert first == second > 0
