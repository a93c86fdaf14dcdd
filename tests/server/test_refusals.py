"""What gunicorn refuses is a problem in JSON without an echo, and so is a request that it breaks off."""

import socket
import threading
import time

import pytest
from conftest import serving
from raw_http import Answer, send

from benchmarks.nginx import free_port
from churn_api.server.sync_worker import HEAD_BYTES
from churn_api.store.database import Database
from churn_api.store.schema import upgrade
from churn_api.web.core.problems import KINDS, MEDIA_TYPE

MARK = "HIDDENMARK"
HEAD = "Host: x\r\nConnection: close\r\n"
REFUSED = {
    f"{MARK}": "bad-request",
    f"GET /{MARK}": "bad-request",
    f"get /{MARK} HTTP/1.1\r\n{HEAD}": "bad-request",
    f"G /{MARK} HTTP/1.1\r\n{HEAD}": "bad-request",
    f"GET /{MARK} HTTP/9.1\r\n{HEAD}": "bad-request",
    f"GET /{MARK} {MARK}/1.1\r\n{HEAD}": "bad-request",
    f"GET /{MARK}\x01 HTTP/1.1\r\n{HEAD}": "bad-request",
    f"GET /{MARK}é HTTP/1.1\r\n{HEAD}": "bad-request",
    f"GET / HTTP/1.1\r\n{HEAD}{MARK}": "bad-request",
    f"GET / HTTP/1.1\r\n{HEAD}{MARK}\x00: 1": "bad-request",
    f"GET / HTTP/1.1\r\n{HEAD}{MARK} : 1": "bad-request",
    f"GET / HTTP/1.1\r\n{HEAD}{MARK}: \x01": "bad-request",
    f"GET / HTTP/1.1\r\n{HEAD}X: 1\r\n {MARK}": "bad-request",
    f"GET / HTTP/1.1\r\n{HEAD}Host: {MARK}": "bad-request",
    f"POST / HTTP/1.1\r\n{HEAD}Content-Length: {MARK}": "bad-request",
    f"POST / HTTP/1.1\r\n{HEAD}Content-Length: -1": "bad-request",
    f"POST / HTTP/1.1\r\n{HEAD}Content-Length: 1\r\nContent-Length: 2": "bad-request",
    f"POST / HTTP/1.1\r\n{HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked": "bad-request",
    f"POST / HTTP/1.0\r\n{HEAD}Transfer-Encoding: chunked": "bad-request",
    f"POST / HTTP/1.1\r\n{HEAD}Transfer-Encoding: gzip": "bad-request",
    f"POST / HTTP/1.1\r\n{HEAD}Transfer-Encoding: {MARK}": "not-implemented",
    f"POST / HTTP/1.1\r\n{HEAD}Expect: {MARK}": "expectation-failed",
    f"GET /{MARK * 1000} HTTP/1.1\r\n{HEAD}": "uri-too-long",
    f"GET / HTTP/1.1\r\n{HEAD}X: {MARK * 1000}": "headers-too-large",
    f"GET / HTTP/1.1\r\n{HEAD}" + f"X: {MARK}\r\n" * 6000: "headers-too-large",
}


def assert_problem(answer: Answer, code: str) -> None:
    """A problem in the API's own shape, with the headers of every answer, and nothing that was sent."""
    kind, body = KINDS[code], answer.json
    assert (answer.status, body["status"], body["code"], body["title"]) == (kind.status, kind.status, code, kind.title)
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert answer.headers["X-Request-ID"] == body["request_id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert MARK.encode() not in answer.bytes
    assert b"<" not in answer.body


@pytest.fixture(scope="module")
def server(models_dir, tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment:
        folder = tmp_path_factory.mktemp("refusals")
        for name, value in {"INSTANCE_DIR": folder, "AUTH": "open", "RATELIMIT_ENABLED": "0"}.items():
            environment.setenv(f"CHURN_{name}", str(value))
        database = Database(f"sqlite:///{folder / 'churn.db'}")
        upgrade(database)
        database.close()
        with serving(models_dir, folder / "log", workers=1) as server:
            yield server


@pytest.mark.parametrize(("raw", "code"), REFUSED.items(), ids=lambda it: it[:60].replace("\r\n", " "))
def test_refused(server, raw, code):
    """Whatever is no HTTP, or more of it than is taken, is a problem in JSON; its line in the log has its id."""
    answer = send(server.port, f"{raw}\r\n\r\n")
    assert_problem(answer, code)
    line = server.line_of(answer.json["request_id"])
    assert (line["status"], line["problem"], line["client"]) == (KINDS[code].status, code, "127.0.0.1")
    assert MARK not in server.log


def test_heads_are_bounded_in_all(server):
    """Thousands of headers are taken, and no more bytes of them than a bound: a worker reads no megabytes of a head."""
    many = "".join(f"X-{number}: 1\r\n" for number in range(4000))
    assert len(many) < HEAD_BYTES
    assert send(server.port, f"GET /health/live HTTP/1.1\r\n{HEAD}{many}\r\n").status == 200
    endless = f"GET / HTTP/1.1\r\n{HEAD}" + "X: 1\r\n" * (HEAD_BYTES // 6 + 2000)
    started = time.monotonic()
    assert_problem(send(server.port, endless), "headers-too-large")
    assert time.monotonic() - started < 2


def test_headers_that_would_move_the_service(server):
    """No client header changes where the service is mounted: links and routes stay the same."""
    plain = send(server.port, f"GET / HTTP/1.1\r\n{HEAD}\r\n").json
    for header in ("SCRIPT_NAME: //evil.org", "PATH_INFO: /nowhere", "X-Forwarded-Prefix: //evil.org"):
        assert send(server.port, f"GET / HTTP/1.1\r\n{HEAD}{header}\r\n\r\n").json["links"] == plain["links"], header


def test_a_proxy_that_takes_nothing_off(serve, models_dir):
    """With SCRIPT_NAME in the environment the service is below it: addresses have it, and all else is a 404."""
    port = free_port()
    below = f"http://127.0.0.1:{port}/churn"
    with serve(models_dir, workers=1, alive=below, PORT=str(port), SCRIPT_NAME="/churn") as server:
        below = send(server.port, f"GET /churn/ HTTP/1.1\r\n{HEAD}\r\n").json
        assert below["links"]["models"] == "/churn/api/v1/models"
        assert_problem(send(server.port, f"GET /{MARK} HTTP/1.1\r\n{HEAD}\r\n"), "not-found")


def test_a_worker_that_times_out(serve, models_dir):
    """A request that exceeds the worker timeout gets a problem with its request id; other requests are unaffected."""
    head = f"POST /api/v1/predict/small HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    with serve(models_dir, workers=1, GUNICORN_CMD_ARGS="--timeout 2") as server:
        answer = send(server.port, f"{head}{MARK}")
        assert_problem(answer, "internal-error")
        line = server.line_of(answer.json["request_id"])
        assert (line["level"], line["route"]) == ("error", "/api/v1/predict/<model>")
        assert MARK not in server.log
        assert send(server.port, f"GET /health/live HTTP/1.1\r\n{HEAD}\r\n").status == 200


def test_a_client_that_goes_away(server):
    """Clients that disconnect before the error response do no harm."""

    def leave():
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(b"BAD\r\n\r\n")

    threads = [threading.Thread(target=leave) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (worker,) = server.workers()
    assert send(server.port, f"GET /health/live HTTP/1.1\r\n{HEAD}\r\n").status == 200
    assert server.workers() == [worker]
