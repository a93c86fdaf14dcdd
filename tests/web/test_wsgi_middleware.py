"""What observers receive of a request."""

import gc
import io

import pytest
from flask import Flask, send_file
from gunicorn.http.wsgi import FileWrapper

from churn_api.web.core import wsgi_middleware
from churn_api.web.core.request_record import RequestRecord, request_id, set_current


class Seen:
    """An observer that records its calls."""

    def __init__(self):
        self.started_with, self.finished_with = [], []

    def request_started(self, record):
        self.started_with.append(record)

    def request_finished(self, record):
        self.finished_with.append((record, record.status, record.sent_bytes))


@pytest.fixture
def seen():
    return Seen()


@pytest.fixture
def app(seen):
    app = Flask("tried")
    app.add_url_rule("/text", "text", lambda: "12345")
    app.add_url_rule("/file", "file", lambda: send_file(io.BytesIO(b"123"), "text/plain"))
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    wsgi_middleware.init_app(app, seen)
    return app


def test_notified_when_the_response_is_sent(app, seen):
    """An observer is notified when a request starts, and again when its response is sent, not before."""
    answer = app.test_client().get("/text", headers={"X-Request-ID": "mine"}, buffered=False)
    assert [record.request_id for record in seen.started_with] == ["mine"]
    assert seen.finished_with == []
    answer.close()
    record, status, size = seen.finished_with[0]
    assert (record.request_id, status, size) == ("mine", 200, 5)
    assert record.seconds > 0


def test_file_responses_are_reported_once(app, seen):
    """A file response stays a file wrapper for the server, and its end is reported once."""
    environ = app.test_client().get("/text").request.environ | {"PATH_INFO": "/file", "wsgi.file_wrapper": FileWrapper}
    seen.finished_with.clear()
    answer = app.wsgi_app(environ, lambda *_: None)
    assert isinstance(answer, FileWrapper)
    assert seen.finished_with == []
    answer.close()
    assert [status for _, status, _ in seen.finished_with] == [200]


def test_failures_are_reported(app, seen):
    """A request that fails outside every error handler is reported too."""
    app.testing = True
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/broken")
    assert len(seen.finished_with) == 1


def test_nothing_is_left_to_a_collection():
    """Objects of a request are freed with its response: a later garbage collection would pause the worker."""
    app = Flask("tried")
    app.add_url_rule("/text", "text", lambda: "12345")
    wsgi_middleware.init_app(app)
    set_current(None)  # a request that broke stays current, for a server that answers in its place
    gc.collect()
    gc.disable()
    try:
        before = set(map(id, records_in_memory()))
        for _ in range(3):
            app.test_client().get("/text").close()
        assert [record for record in records_in_memory() if id(record) not in before] == []
    finally:
        gc.enable()


def records_in_memory():
    """All records of requests; an exception that another test keeps may hold one."""
    return [made for made in gc.get_objects() if type(made) is RequestRecord]


@pytest.mark.parametrize("sent", ["", "a" * 65, "with space", "new\nline", "ümlaut"])
def test_ids_made_here(sent):
    """A request id that is not well-formed is replaced."""
    environ = {"HTTP_X_REQUEST_ID": sent, "REQUEST_METHOD": "GET"}
    app = Flask("tried")
    ids = []
    app.wsgi_app = lambda *_: ids.append(request_id()) or [b""]
    wsgi_middleware.init_app(app)
    app.wsgi_app(environ, lambda *_: None)
    assert ids[0] != sent
    assert len(ids[0]) == 32
