"""Directly dispatched predictions equal Flask's, and predictions go through Flask where other code has hooks."""

import json

import flask
import pytest
from builders import CUSTOMER
from flask import Blueprint, signals

from churn_api.app import create_app
from churn_api.web.core.declaration import attach_operation, operation_of

PREDICT = "/api/v1/predict/small"
BY_FLASK = {"Origin": "https://elsewhere.example"}
"""A request from a browser page, which no setting here allows or refuses."""

BAD = CUSTOMER | {"age": "old", "nothing": 1}
CASES = {
    "a customer": (PREDICT, json.dumps(CUSTOMER)),
    "an address that names no model": ("/api/v1/predict", json.dumps(CUSTOMER)),
    "a threshold": (f"{PREDICT}?threshold=0.9&version=1", json.dumps(CUSTOMER)),
    "faults of the query": (f"{PREDICT}?threshold=2&threshold=1&treshold=0.5", json.dumps(CUSTOMER)),
    "a query that is no UTF-8": (f"{PREDICT}?threshold=%ff%00", json.dumps(CUSTOMER)),
    "two faults": (PREDICT, json.dumps(BAD)),
    "no JSON": (PREDICT, "{"),
    "no UTF-8": (PREDICT, b'{"age": "\xff"}'),
    "no body": (PREDICT, ""),
    "a list": (PREDICT, json.dumps([CUSTOMER])),
    "a body that is too long": (PREDICT, " " * 2_000_000),
    "an unknown model": ("/api/v1/predict/nothing", json.dumps(CUSTOMER)),
    "an address that none has": ("/api/v1/predictions", json.dumps(CUSTOMER)),
    "an address in more than ASCII": ("/api/v1/predict/größe", json.dumps(CUSTOMER)),
    "another view": ("/api/v1/token", "{}"),
}
MADE_ANEW = {"timestamp", "request_id", "inference_time_ms"}


@pytest.fixture
def ask(app, make_key):
    """Posts JSON with the environ that a server would pass."""
    key = make_key("predict")

    def post(path, body, client=None, environ=(), **headers):
        client = client or app.test_client()
        named = {"X-API-Key": key, "X-Request-ID": "one", **{name.replace("_", "-"): headers[name] for name in headers}}
        return client.post(
            path, data=body, content_type="application/json", headers=named, environ_overrides=dict(environ)
        )

    return post


def content(answer):
    """A response without its times."""
    members = {name: value for name, value in answer.json.items() if name not in MADE_ANEW}
    return answer.status_code, sorted(answer.headers.items(lower=True)), members


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("headers", [{}, {"X_API_Key": "churn_wrong"}], ids=["with a key", "with a wrong key"])
def test_equals_flask(ask, case, headers):
    """Status, headers and body are the same with direct dispatch and through Flask."""
    path, body = CASES[case]
    directly, by_flask = content(ask(path, body, **headers)), content(ask(path, body, **headers, **BY_FLASK))
    # Lengths differ by the digits of a time, and what is left of a limit by the request before.
    own = {"content-length", "ratelimit-remaining", "ratelimit-reset"}
    assert [item for item in directly[1] if item[0] not in own] == [item for item in by_flask[1] if item[0] not in own]
    assert (directly[0], directly[2]) == (by_flask[0], by_flask[2])


@pytest.mark.parametrize("length", ["9" * 15, "9" * 20, "+5", " 5", "5 ", "-1", "0x5", "\u00b2", "five", ""])
def test_lengths(ask, length):
    """With any Content-Length the response equals Flask's, and is never a 500."""
    said = {"CONTENT_LENGTH": length}
    directly, by_flask = (ask(PREDICT, json.dumps(CUSTOMER), environ=said, **headers) for headers in ({}, BY_FLASK))
    assert directly.status_code == by_flask.status_code < 500


def answering(app, answer):
    """Make the prediction view return something else."""
    endpoint = "predict.predict"
    operation = operation_of(endpoint, app.view_functions[endpoint])

    def view(**_):
        return answer() if callable(answer) else answer

    attach_operation(view, operation)
    app.view_functions[endpoint] = view


def test_a_view_that_answers_otherwise(app, ask):
    """Flask builds the response where a view returns something other than a dictionary."""
    answering(app, ("text", 202, {"X-Own": "1"}))
    answer = ask(PREDICT, "{}")
    assert (answer.status_code, answer.text, answer.headers["X-Own"]) == (202, "text", "1")
    answering(app, lambda: None)
    assert (ask(PREDICT, "{}").status_code, ask(PREDICT, "{}").json["code"]) == (500, "internal-error")


def test_a_view_that_fails(app, ask):
    """An unexpected exception is a 500 without its text, and the view runs once."""
    runs = []

    def fail():
        runs.append(1)
        raise LookupError("of a customer")

    answering(app, fail)
    answer = ask(PREDICT, "{}")
    assert (answer.status_code, answer.json["code"], len(runs)) == (500, "internal-error", 1)
    assert "of a customer" not in answer.text


def test_without_context(app, ask):
    """An ordinary prediction runs without a Flask context, with a query string too; one from another page has one."""
    answering(app, lambda: {"context": flask.has_request_context()})
    assert ask(PREDICT, "{}").json == {"context": False}
    assert ask(f"{PREDICT}?threshold=0.4", "{}").json == {"context": False}
    assert ask(PREDICT, "{}", **BY_FLASK).json == {"context": True}


def hooks():
    """Flask hooks: each function registers one that records its calls."""
    own = Blueprint("own", __name__)

    def of_blueprint(app, note):
        own.before_app_request(note)
        app.register_blueprint(own)

    return {
        "before": lambda app, note: app.before_request(note),
        "after": lambda app, note: app.after_request(lambda answer: note() or answer),
        "teardown of the request": lambda app, note: app.teardown_request(lambda _: note()),
        "teardown of the application": lambda app, note: app.teardown_appcontext(lambda _: note()),
        "values of the address": lambda app, note: app.url_value_preprocessor(lambda *_: note()),
        "a blueprint": of_blueprint,
    }


@pytest.mark.parametrize("hook", hooks())
def test_hooks(app, ask, hook):
    """A Flask hook runs for every prediction."""
    noted = []
    hooks()[hook](app, lambda: noted.append(1))
    assert ask(PREDICT, json.dumps(CUSTOMER)).status_code == 200
    assert noted == [1]


@pytest.mark.parametrize(
    "name", ["request_started", "request_finished", "request_tearing_down", "appcontext_pushed", "appcontext_popped"]
)
def test_signals(ask, name):
    """A receiver of Flask's signals gets every prediction while it is connected."""
    heard = []

    def hear(sender, **_):
        heard.append(sender.name)

    for _ in range(2):
        with getattr(signals, name).connected_to(hear):
            assert ask(PREDICT, json.dumps(CUSTOMER)).status_code == 200
        assert ask(PREDICT, json.dumps(CUSTOMER)).status_code == 200
    assert heard == ["churn_api"] * 2


def test_pages_of_other_origins(models_dir, ask):
    """A page of a configured origin can read a prediction; a request without an origin gets no CORS header."""
    app = create_app({"MODELS_DIR": str(models_dir), "AUTH": "required", "CORS_ORIGINS": ["https://own.example"]})
    client = app.test_client()
    body = json.dumps(CUSTOMER)
    assert "Access-Control-Allow-Origin" not in ask(PREDICT, body, client).headers
    allowed = ask(PREDICT, body, client, Origin="https://own.example")
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://own.example"
