"""What the API does in its own way where Flask has another."""

import os
import re

import flask
import pytest
from builders import CUSTOMER
from werkzeug.exceptions import HTTPException
from werkzeug.test import create_environ

from churn_api.web.core import boundary, flask_app

PREDICT = "/api/v1/predict"
SMALL = f"{PREDICT}/small"


@pytest.fixture
def searches(monkeypatch):
    """The addresses that were searched for among all rules."""
    searched = []
    search = flask_app.MapAdapter.match
    monkeypatch.setattr(
        flask_app.MapAdapter, "match", lambda *found, **how: searched.append(found[1:]) or search(*found, **how)
    )
    return searched


def test_searched_for_once(client, searches):
    """The view of an address is searched for once, and each request has its own arguments."""
    for _ in range(3):
        assert client.post(SMALL, json=CUSTOMER).status_code == 200
        assert client.post(f"{PREDICT}/missing", json=CUSTOMER).status_code == 404
    assert [found for found in searches if found] == [(SMALL, "POST"), (f"{PREDICT}/missing", "POST")]


def test_methods_are_apart(client):
    """An address is one thing by one method and another by another, however often it was asked for."""
    for _ in range(2):
        assert client.post(SMALL, json=CUSTOMER).status_code == 200
        refused = client.get(SMALL)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "OPTIONS, POST")
        assert client.options(SMALL).status_code == 200
        assert client.get("/api/v1/nothing").status_code == 404


def test_not_ascii(client):
    """An address that is more than ASCII is read as UTF-8, the first time and the second."""
    for _ in range(2):
        problem = client.post(f"{PREDICT}/größe", json=CUSTOMER).json
        assert problem["code"] == "unknown-model"


def test_no_sessions(client):
    """No answer sets a cookie, whatever cookie is sent."""
    answer = client.post(SMALL, json=CUSTOMER, headers={"Cookie": "session=eyJhIjoxfQ.aaaa.bbbb"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_head_has_the_length_alone(client):
    """HEAD answers the headers of GET, with the length of a body that is not sent."""
    whole, head = client.get("/health/live"), client.head("/health/live")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"] == str(len(whole.data))
    assert head.data == b""


def test_ids_of_forked_processes():
    """Processes that are forked from one give their requests different ids."""
    found = []
    for _ in range(3):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, boundary.new_request_id({}).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        found.append(os.read(reading, 100))
        os.close(reading)
    assert len({*found, boundary.new_request_id({}).encode()}) == 4


def test_ends_are_told(client):
    """Whoever asks to be told of a request's end is told, by a function or by a signal."""
    told = []

    def by_signal(sender, **_):
        told.append(sender.name)

    client.application.teardown_request(lambda _: told.append("request"))
    client.application.teardown_appcontext(lambda _: told.append("context"))
    assert client.post(SMALL, json=CUSTOMER).status_code == 200
    assert told == ["request", "context"]
    client.application.teardown_request_funcs.clear()
    client.application.teardown_appcontext_funcs.clear()
    with flask.request_tearing_down.connected_to(by_signal), flask.appcontext_tearing_down.connected_to(by_signal):
        assert client.post(SMALL, json=CUSTOMER).status_code == 200
    assert told[2:] == ["churn_api", "churn_api"]


@pytest.mark.parametrize("script", ["", "/churn"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_finds_what_flask_finds(app, method, script):
    """For every address and method, the view that is found, or the error, is the one that Flask's own search gives."""
    filled = {re.sub(r"<[^>]+>", "small", rule.rule) for rule in app.url_map.iter_rules()}
    for path in sorted({*filled, "/", "//", "/api/v1//predict", "/api/v1/predict/", "/nothing", "/api/v1/predict/a/b"}):
        for _ in range(2):
            request = app.request_class(create_environ(path, f"http://localhost{script}/", method=method))
            ours, theirs = app.create_url_adapter(request), flask.Flask.create_url_adapter(app, request)
            assert found_by(ours) == found_by(theirs), path
            assert ours.build("health.live") == theirs.build("health.live")


def found_by(adapter):
    """The rule and the arguments, or how the search fails."""
    try:
        return adapter.match(return_rule=True)
    except HTTPException as error:
        return (
            type(error),
            error.code,
            getattr(error, "new_url", None),
            sorted(getattr(error, "valid_methods", None) or ()),
        )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [200, 201, 204, 304])
def test_answers_are_sent_as_werkzeug_sends_them(app, method, status):
    """The status, the headers and the body of an answer are those that Werkzeug itself makes of it."""
    environ = create_environ("/", method=method)
    with app.app_context():
        ours, same = app.json.response({"a": 1}), app.json.response(a=1)
    assert ours.data == same.data
    theirs = flask.Response([ours.data], headers=ours.headers)
    ours.status_code = theirs.status_code = status
    (body, *told), (their_body, *theirs_told) = (one.get_wsgi_response(environ) for one in (ours, theirs))
    assert (b"".join(body), told) == (b"".join(their_body), theirs_told)
