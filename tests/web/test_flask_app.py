"""What the API does in its own way where Flask has another."""

import os

from builders import CUSTOMER

from churn_api.web.core import wsgi_middleware

PREDICT = "/api/v1/predict"
SMALL = f"{PREDICT}/small"


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
            os.write(writing, wsgi_middleware.new_request_id({}).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        found.append(os.read(reading, 100))
        os.close(reading)
    assert len({*found, wsgi_middleware.new_request_id({}).encode()}) == 4
