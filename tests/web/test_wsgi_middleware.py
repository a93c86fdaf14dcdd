"""What observers are told of a request."""

import gc
import io

import pytest
from flask import Flask, send_file
from gunicorn.http.wsgi import FileWrapper

from churn_api.web.core import wsgi_middleware
from churn_api.web.core.request_record import RequestRecord, request_id, set_current


class Seen:
    """An observer that remembers."""

    def __init__(self):
        self.began_with, self.ended_with = [], []

    def request_started(self, told):
        self.began_with.append(told)

    def request_finished(self, told):
        self.ended_with.append((told, told.status, told.sent_bytes))


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


def test_told_when_the_answer_is_sent(app, seen):
    """An observer is told of a request at once, and of its end when the answer is sent and not before."""
    answer = app.test_client().get("/text", headers={"X-Request-ID": "mine"}, buffered=False)
    assert [told.request_id for told in seen.began_with] == ["mine"]
    assert seen.ended_with == []
    answer.close()
    told, status, size = seen.ended_with[0]
    assert (told.request_id, status, size) == ("mine", 200, 5)
    assert told.seconds > 0


def test_told_once_of_what_is_sent_as_a_file(app, seen):
    """What the server sends as a file stays a file to the server, and its end is told once."""
    environ = app.test_client().get("/text").request.environ | {"PATH_INFO": "/file", "wsgi.file_wrapper": FileWrapper}
    seen.ended_with.clear()
    answer = app.wsgi_app(environ, lambda *_: None)
    assert isinstance(answer, FileWrapper)
    assert seen.ended_with == []
    answer.close()
    assert [status for _, status, _ in seen.ended_with] == [200]


def test_told_of_what_breaks(app, seen):
    """A request that breaks beyond every handler is told of too."""
    app.testing = True
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/broken")
    assert len(seen.ended_with) == 1


def test_nothing_is_left_to_a_collection():
    """What a request made is gone with its answer: collecting it later would stop the worker."""
    app = Flask("tried")
    app.add_url_rule("/text", "text", lambda: "12345")
    wsgi_middleware.init_app(app)
    set_current(None)  # a request that broke stays current, for a server that answers in its place
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            app.test_client().get("/text").close()
        assert not [made for made in gc.get_objects() if isinstance(made, RequestRecord)]
    finally:
        gc.enable()


@pytest.mark.parametrize("sent", ["", "a" * 65, "with space", "new\nline", "ümlaut"])
def test_ids_made_here(sent):
    """An id that is not well-formed is not taken over."""
    environ = {"HTTP_X_REQUEST_ID": sent, "REQUEST_METHOD": "GET"}
    app = Flask("tried")
    ids = []
    app.wsgi_app = lambda *_: ids.append(request_id()) or [b""]
    wsgi_middleware.init_app(app)
    app.wsgi_app(environ, lambda *_: None)
    assert ids[0] != sent
    assert len(ids[0]) == 32
