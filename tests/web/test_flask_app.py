"""Where the API differs from plain Flask."""

import os

from builders import CUSTOMER

from churn_api.web.core import wsgi_middleware

PREDICT = "/api/v1/predict"
SMALL = f"{PREDICT}/small"


def test_methods_are_apart(client):
    """One path has different views by method, however often it was requested."""
    for _ in range(2):
        assert client.post(SMALL, json=CUSTOMER).status_code == 200
        refused = client.get(SMALL)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "OPTIONS, POST")
        assert client.options(SMALL).status_code == 200
        assert client.get("/api/v1/nothing").status_code == 404


def test_not_ascii(client):
    """A path beyond ASCII is decoded as UTF-8, the first time and the second."""
    for _ in range(2):
        problem = client.post(f"{PREDICT}/größe", json=CUSTOMER).json
        assert problem["code"] == "unknown-model"


def test_no_sessions(client):
    """No response sets a cookie, whatever cookie is sent."""
    answer = client.post(SMALL, json=CUSTOMER, headers={"Cookie": "session=eyJhIjoxfQ.aaaa.bbbb"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_head_has_only_the_length(client):
    """HEAD returns the headers of GET, with the length of the body that is not sent."""
    full, head = client.get("/health/live"), client.head("/health/live")
    assert head.headers["Content-Length"] == full.headers["Content-Length"] == str(len(full.data))
    assert head.data == b""


def test_ids_of_forked_processes():
    """Processes that are forked from one give their requests different ids."""
    ids = []
    for _ in range(3):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, wsgi_middleware.new_request_id({}).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        ids.append(os.read(reading, 100))
        os.close(reading)
    assert len({*ids, wsgi_middleware.new_request_id({}).encode()}) == 4
