"""What a server of ours does with bytes that are no request, or half of one: real gunicorn, real sockets."""

import socket
import struct
import time

import pytest

from benchmarks.corpus import PROBLEM
from benchmarks.naughty import CANARY
from churn_api.access.caller import SCOPES

HEAD = b"POST %s HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = {
    "no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "below zero": b"-1\r\n{}\r\n0\r\n\r\n",
    "far too many": b"ffffffffffffffffffff\r\n{}\r\n",
    "a prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
    "blanks": b" 2 \r\n{}\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\n{}\r\n0\r\n\r\n",
    "NUL": b"\x002\r\n{}\r\n0\r\n\r\n",
    "no end": b"2\r\n{}XX0\r\n\r\n",
    "line feeds alone": b"2\n{}\n0\n\n",
    "a bad trailer": b"2\r\n{}\r\n0\r\nA b\r\n\r\n",
    "NUL in a trailer": b"2\r\n{}\r\n0\r\nA: \x00\r\n\r\n",
    "cut off": b"2\r\n{",
    "cut off in a length": b"2",
    "nothing": b"",
}
BODIES = [
    (b"/api/v1/predict", b"application/json"),
    (b"/api/v1/batch-predict", b"text/csv"),
    (b"/api/v1/batch-predict", b"multipart/form-data; boundary=edge"),
    (b"/api/v1/jobs", b"multipart/form-data; boundary=edge"),
    (b"/api/v1/models", b"multipart/form-data; boundary=edge"),
    (b"/api/v1/token", b"application/json"),
]
REFUSED_BY_THE_SERVER = {
    "NUL in the request line": b"GET /\x00Kumquat7 HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: x\r\nAccept: Kumquat7\x00\r\n\r\n",
    "a line feed in a header": b"GET / HTTP/1.1\r\nHost: x\r\nAccept: Kumquat7\nSet-Cookie: a\r\n\r\n",
    "lines ended by a line feed": b"GET /Kumquat7 HTTP/1.1\nHost: x\n\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nAccept: a\r\n Kumquat7\r\n\r\n",
    "a blank before a colon": b"GET / HTTP/1.1\r\nHost: x\r\nKumquat7 : a\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nKumquat7",
    "a length below zero": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nKumquat7",
    "a length in other digits": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \xd9\xa3\r\n\r\nKumquat7",
    "a length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a coding of no one's": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Kumquat7\r\n\r\n",
    "another version": b"GET / HTTP/Kumquat7\r\nHost: x\r\n\r\n",
    "a method of blanks": b"   / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "an expectation": b"GET / HTTP/1.1\r\nHost: x\r\nExpect: Kumquat7\r\n\r\n",
}


@pytest.fixture(scope="module")
def talking():
    """Send bytes, say that no more will come, and read what comes back."""

    def talk(server, data):
        with connected(server) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while part := client.recv(1 << 16):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]) if head else None, head.decode("latin-1").lower(), body

    return talk


def connected(server):
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def untroubled(server, workers):
    assert server.workers() == workers
    assert "Traceback" not in server.log
    assert CANARY.decode() not in server.log


def test_bodies_that_break(serve, models_dir, make_key, talking):
    """Malformed chunks, cut bodies and reset connections are the client's fault, however a body is read."""
    key = make_key(*SCOPES).encode()
    with serve(models_dir, workers=1) as server:
        workers = server.workers()
        for route, media_type in BODIES:
            head = HEAD % (route, key, media_type)
            for name, chunks in CHUNKS.items():
                status, headers, _ = talking(server, head + chunks)
                assert (status, PROBLEM in headers) == (400, True), (route, media_type, name)
            lengthy = head.replace(b"Transfer-Encoding: chunked", b"Content-Length: 100")
            status, headers, _ = talking(server, lengthy + b"{}")
            assert (status, PROBLEM in headers) == (400, True), (route, media_type, "too short")
            for broken in (head + b"5\r\n{}", lengthy + b"{}"):
                reset(server, broken)
        untroubled(server, workers)


def reset(server, data):
    """Send half of a request and drop the connection without a word."""
    with connected(server) as client:
        client.sendall(data)
        time.sleep(0.02)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_no_requests(serve, models_dir, talking):
    """Invalid requests get a status below 500, are never quoted, and harm no worker."""
    with serve(models_dir, workers=1) as server:
        workers = server.workers()
        for name, data in REFUSED_BY_THE_SERVER.items():
            status, _, _ = talking(server, data)
            assert status is None or status < 500 or status == 501, name
        untroubled(server, workers)
