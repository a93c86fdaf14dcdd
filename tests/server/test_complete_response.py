"""An answer is written as gunicorn writes it, byte for byte, whatever it is; a complete one by one call."""

import re
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.errors import InvalidResponseHeader

from churn_api.server.complete_response import CompleteResponse

JSON = [("Content-Type", "application/json"), ("X-Request-ID", " ab1 "), ("RateLimit-Limit", "100")]
ANSWERS = {
    "complete": ("200 OK", [*JSON, ("Content-Length", "7")], [b'{"a":1}']),
    "an error": ("404 NOT FOUND", [*JSON, ("Content-Length", "2"), ("Allow", "GET"), ("Vary", "Origin")], [b"{}"]),
    "in two parts": ("200 OK", [*JSON, ("Content-Length", "4")], [b"ab", b"cd"]),
    "longer than it says": ("200 OK", [("Content-Length", "2")], [b"abcd"]),
    "of unknown length": ("200 OK", JSON, [b"ab", b"cd"]),
    "large": ("200 OK", [("Content-Length", str(1 << 20))], [bytes(1 << 20)]),
    "empty": ("200 OK", [("Content-Length", "0")], [b""]),
    "no content": ("204 NO CONTENT", [], [b""]),
    "hop by hop": ("200 OK", [("Connection", "keep-alive"), ("Content-Length", "2")], [b"ab"]),
    "latin-1": ("200 OK", [("X-Name", "é"), ("Content-Length", "2")], [b"ab"]),
}


class Socket:
    """Keeps what is sent."""

    def __init__(self):
        self.calls = []

    def sendall(self, data):
        self.calls.append(bytes(data))


def written(kind, status, headers, parts, method="GET", version=(1, 1)):
    request = SimpleNamespace(method=method, version=version, should_close=lambda: True)
    sock = Socket()
    response = kind(request, sock, Config())
    response.force_close()
    write = response.start_response(status, list(headers))
    for part in parts:
        write(part)
    response.close()
    return [re.sub(rb"Date: [^\r]*", b"Date: now", call) for call in sock.calls]


@pytest.mark.parametrize("version", [(1, 1), (1, 0)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_as_gunicorn_writes_it(answer, method, version):
    """The bytes are gunicorn's own, for every method and version of HTTP."""
    ours, theirs = (written(kind, *ANSWERS[answer], method, version) for kind in (CompleteResponse, wsgi.Response))
    assert b"".join(ours) == b"".join(theirs)


def test_one_call():
    """A complete answer is sent by one call, where gunicorn makes two: its head and body are in one packet."""
    assert len(written(CompleteResponse, *ANSWERS["complete"])) == 1


@pytest.mark.parametrize("name", ["X-Request-ID", "RateLimit-Limit", "X-Other"])
def test_no_header_is_split(name):
    """A value with a line break is refused, in headers of ours as in any other."""
    with pytest.raises(InvalidResponseHeader):
        written(CompleteResponse, "200 OK", [(name, "a\r\nSet-Cookie: b")], [b""])
