"""Predictions that do not go by Flask's own way are answered as if they did, and go by it where somebody takes part."""

import json

import flask
import pytest
from builders import CUSTOMER
from flask import Blueprint, signals

from churn_api.app import create_app
from churn_api.web.core.declaration import attach_operation, operation_of

PREDICT = "/api/v1/predict/small"
BY_FLASK = {"Origin": "https://elsewhere.example"}
"""A page's request, which no setting here allows or turns away."""

BAD = CUSTOMER | {"age": "old", "nothing": 1}
CASES = {
    "a customer": (PREDICT, json.dumps(CUSTOMER)),
    "an address that names no model": ("/api/v1/predict", json.dumps(CUSTOMER)),
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
    """Posts JSON as a server hands it on."""
    key = make_key("predict")

    def post(path, body, client=None, environ=(), **headers):
        client = client or app.test_client()
        named = {"X-API-Key": key, "X-Request-ID": "one", **{name.replace("_", "-"): headers[name] for name in headers}}
        return client.post(
            path, data=body, content_type="application/json", headers=named, environ_overrides=dict(environ)
        )

    return post


def content(answer):
    """All of an answer but the times that it names."""
    members = {name: value for name, value in answer.json.items() if name not in MADE_ANEW}
    return answer.status_code, sorted(answer.headers.items(lower=True)), members


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("headers", [{}, {"X_API_Key": "churn_wrong"}], ids=["with a key", "with a wrong key"])
def test_answered_as_by_flask(ask, case, headers):
    """Status, headers and body are the same, whichever way a request goes."""
    path, body = CASES[case]
    directly, by_flask = content(ask(path, body, **headers)), content(ask(path, body, **headers, **BY_FLASK))
    # Lengths differ by the digits of a time, and what is left of a limit by the request before.
    own = {"content-length", "ratelimit-remaining", "ratelimit-reset"}
    assert [item for item in directly[1] if item[0] not in own] == [item for item in by_flask[1] if item[0] not in own]
    assert (directly[0], directly[2]) == (by_flask[0], by_flask[2])


@pytest.mark.parametrize("length", ["9" * 15, "9" * 20, "+5", " 5", "5 ", "-1", "0x5", "\u00b2", "five", ""])
def test_lengths(ask, length):
    """Whatever is said of a body's length, it is answered as by Flask, and never by a failure."""
    said = {"CONTENT_LENGTH": length}
    directly, by_flask = (ask(PREDICT, json.dumps(CUSTOMER), environ=said, **headers) for headers in ({}, BY_FLASK))
    assert directly.status_code == by_flask.status_code < 500


def answering(app, answer):
    """Have the view of predictions answer something else."""
    endpoint = "predict.predict"
    operation = operation_of(endpoint, app.view_functions[endpoint])

    def view(**_):
        return answer() if callable(answer) else answer

    attach_operation(view, operation)
    app.view_functions[endpoint] = view


def test_a_view_that_answers_otherwise(app, ask):
    """What a view answers in place of a dictionary, Flask makes an answer of."""
    answering(app, ("text", 202, {"X-Own": "1"}))
    answer = ask(PREDICT, "{}")
    assert (answer.status_code, answer.text, answer.headers["X-Own"]) == (202, "text", "1")
    answering(app, lambda: None)
    assert (ask(PREDICT, "{}").status_code, ask(PREDICT, "{}").json["code"]) == (500, "internal-error")


def test_a_view_that_fails(app, ask):
    """An exception that nobody expected is the one problem without its words, and the view runs once."""
    runs = []

    def fail():
        runs.append(1)
        raise LookupError("of a customer")

    answering(app, fail)
    answer = ask(PREDICT, "{}")
    assert (answer.status_code, answer.json["code"], len(runs)) == (500, "internal-error", 1)
    assert "of a customer" not in answer.text


def test_without_context(app, ask):
    """A usual prediction runs without a context of Flask's; with a query it has one."""
    answering(app, lambda: {"context": flask.has_request_context()})
    assert ask(PREDICT, "{}").json == {"context": False}
    assert ask(f"{PREDICT}?threshold=0.4", "{}").json == {"context": True}


def hooks():
    """Ways to take part in every request: each puts a function that notes into an application."""
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
    """Whoever takes part in Flask's way takes part in every prediction."""
    noted = []
    hooks()[hook](app, lambda: noted.append(1))
    assert ask(PREDICT, json.dumps(CUSTOMER)).status_code == 200
    assert noted == [1]


@pytest.mark.parametrize(
    "name", ["request_started", "request_finished", "request_tearing_down", "appcontext_pushed", "appcontext_popped"]
)
def test_signals(ask, name):
    """Whoever listens to Flask's signals hears of every prediction, as long as they listen."""
    heard = []

    def hear(sender, **_):
        heard.append(sender.name)

    for _ in range(2):
        with getattr(signals, name).connected_to(hear):
            assert ask(PREDICT, json.dumps(CUSTOMER)).status_code == 200
        assert ask(PREDICT, json.dumps(CUSTOMER)).status_code == 200
    assert heard == ["churn_api"] * 2


def test_pages_of_other_origins(models_dir, ask):
    """A configured origin's page can read a prediction; and a request of none gets no header for pages."""
    app = create_app({"MODELS_DIR": str(models_dir), "AUTH": "required", "CORS_ORIGINS": ["https://own.example"]})
    client = app.test_client()
    body = json.dumps(CUSTOMER)
    assert "Access-Control-Allow-Origin" not in ask(PREDICT, body, client).headers
    allowed = ask(PREDICT, body, client, Origin="https://own.example")
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://own.example"
