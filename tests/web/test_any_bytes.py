"""Any bytes to any route: a success or a problem, never a 500, an echo or a traceback."""

import logging

import pytest
from conftest import make_all_live
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import run_wsgi_app

from benchmarks.corpus import USUAL, Raw, corpus, faults_of, routes
from benchmarks.naughty import CANARY, MEDIA_TYPES
from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.store.database import Database
from churn_api.store.schema import upgrade
from churn_api.web.core.app_services import services_of

EVERY = 97
"""Requests that do not vary the path; `python -m benchmarks soak` sends all 90,000."""


@pytest.fixture
def on(models_dir, tmp_path, monkeypatch):
    """Make an application with a database, a data folder and a key that has every scope."""
    (tmp_path / "data.csv").write_text("customer_id,age\nC1,30\n")

    def made(database_url):
        database = Database(database_url)
        upgrade(database)
        make_all_live(models_dir, database)
        database.close()
        monkeypatch.setenv("DATABASE_URL", database_url)
        monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
        monkeypatch.setenv("CHURN_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("CHURN_AUTH", "required")
        services = Services(load_settings())
        key = services.keys.create("hostile", SCOPES, by="tests").text
        services.database.close()
        opened.append(create_app())
        return opened[-1], key

    opened = []
    yield made
    for app in opened:
        services_of(app).database.close()


def answered(app, raw):
    answer, status, headers = run_wsgi_app(app, raw.environ(), buffered=True)
    return int(status[:3]), headers.get("Content-Type"), b"".join(answer), headers


def complaints(app, raw):
    status, media_type, body, headers = answered(app, raw)
    yield from faults_of(raw, status, media_type, body)
    named = [value for name, value in headers if name != "X-Request-ID"]
    if CANARY.decode() in "".join(named):
        yield "an echo in a header"


def test_every_route(on, database_url, caplog):
    """Every route answers or refuses every text of the corpus in every position, and logs none of it."""
    caplog.set_level(logging.INFO)
    app, key = on(database_url)
    first_requests = {}
    for raw in corpus(app, key, every=EVERY):
        for complaint in complaints(app, raw):
            first_requests.setdefault((complaint, raw.method, raw.target[:40]), raw)
    assert first_requests == {}
    assert CANARY.decode() not in caplog.text
    assert "Traceback" not in caplog.text


def test_the_corpus_has_every_route(app):
    """The corpus is made from the URL map: each of its rules, with each of its methods, is among the requests."""
    asked = {(raw.method, raw.target) for raw in corpus(app, "key", every=10_000)}
    for route in routes(app):
        assert {(method, route.target(USUAL)) for method in route.methods} <= asked
    assert len(routes(app)) == len(list(app.url_map.iter_rules()))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_bytes(app, client, data):
    """Random bytes in path, query, header and body of any route are answered or refused."""
    route = data.draw(st.sampled_from(routes(app)))
    target = route.target({name: data.draw(st.binary(min_size=1, max_size=20)) for name in route.arguments})
    query = data.draw(st.binary(max_size=20))
    raw = Raw(data.draw(st.sampled_from(route.methods)), target + (b"?" + query if query else b""))
    raw = raw._replace(error_types=route.error_types)
    raw = raw.having("X-API-Key", client.environ_base["HTTP_X_API_KEY"].encode())
    raw = raw.having("Content-Type", data.draw(st.sampled_from(MEDIA_TYPES)))
    raw = raw.having(
        data.draw(st.sampled_from(["Accept", "Idempotency-Key", "Range"])), data.draw(st.binary(max_size=9))
    )
    body = data.draw(st.binary(max_size=50))
    assert list(complaints(app, raw._replace(body=body))) == []
