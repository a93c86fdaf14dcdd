"""A connection is closed when its answer is sent, and no answer is lost by that."""

import socket
import subprocess
import sys
import time

import pytest

from benchmarks.nginx import free_port

APP = """
def app(environ, start):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length <= 100:
        environ["wsgi.input"].read(length)
    start("200 OK" if length <= 100 else "413 TOO LARGE", [("Content-Length", "7")])
    return [b'{"a":1}']
"""


@pytest.fixture
def port(tmp_path):
    """The port of one worker of ours, with an application that leaves large bodies unread."""
    (tmp_path / "small.py").write_text(APP)
    port = free_port()
    worker = "churn_api.server.sync_worker.SyncWorker"
    options = ["--worker-class", worker, "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", *options, "small:app"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                break
        time.sleep(0.05)
    yield port
    process.terminate()
    process.wait()


def answer(connection):
    received = b""
    while part := connection.recv(1 << 16):
        received += part
    return received


def test_no_one_waits_for_a_client_to_close(port):
    """Clients that keep their connections open after the answer hold no worker: the next one is answered at once."""
    started, held = time.monotonic(), []
    for _ in range(3):
        held.append(socket.create_connection(("127.0.0.1", port), timeout=30))
        held[-1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(held[-1]).endswith(b"}")
    # gunicorn's own waits two seconds for each but the last.
    assert time.monotonic() - started < 3
    for connection in held:
        connection.close()


@pytest.mark.parametrize(
    ("length", "body", "status"),
    [(1 << 30, "x" * (8 << 20), b"413"), (2, "{}" + "more" * 1000, b"200")],
    ids=["unread", "more than it says"],
)
def test_no_answer_is_lost(port, length, body, status):
    """A client whose body is left unread, or that sends more than it said, gets the complete answer."""
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            connection.sendall((head + body).encode())
        except OSError:
            assert status == b"413"  # it was answered, and closed, before all was sent
        received = answer(connection)
    assert received.split(b" ", 2)[1] == status
    assert received.endswith(b"}")
