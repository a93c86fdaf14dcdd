"""The service behind a real nginx, with the configuration of deploy/. Skipped where nginx is not installed."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import time
import warnings

import pytest
import requests
from builders import CUSTOMER
from conftest import serving
from raw_http import send

from benchmarks.nginx import SITE, free_port, nginx_before
from churn_api.config import default_settings
from churn_api.web.core.problems import KINDS, MEDIA_TYPE, server_problem

ROUTE = "/api/v1/predict/small"

MARK = "HIDDENMARK"
HEAD = "Host: x\r\nConnection: close\r\n"
REFUSED = {
    f"{MARK}": "bad-request",
    f"{MARK * 3} / HTTP/1.1\r\n{HEAD}": "bad-request",
    f"x{MARK} / HTTP/1.1\r\n{HEAD}": "bad-request",
    f"GET /{MARK}\xe9 HTTP/1.1\r\n{HEAD}": "bad-request",
    f"GET /{MARK} HTTP/1.1\r\nHost: a b{MARK}": "bad-request",
    f"GET /{MARK} HTTP/1.1\r\n{HEAD}Host: {MARK}": "bad-request",
    f"GET /{MARK} HTTP/1.1": "bad-request",
    f"POST /{MARK} HTTP/1.1\r\n{HEAD}Content-Length: {MARK}": "bad-request",
    f"POST /{MARK} HTTP/1.1\r\n{HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked": "bad-request",
    f"TRACE /{MARK} HTTP/1.1\r\n{HEAD}": "method-not-allowed",
    f"POST /{MARK} HTTP/1.1\r\n{HEAD}Content-Length: 11000000": "too-large",
    f"GET /{MARK * 1000} HTTP/1.1\r\n{HEAD}": "uri-too-long",
    f"GET / HTTP/1.1\r\n{HEAD}X: {MARK * 1000}": "headers-too-large",
    f"GET / HTTP/1.1\r\n{HEAD}" + f"X: {MARK}\r\n" * 4000: "headers-too-large",
    f"POST / HTTP/1.1\r\n{HEAD}Transfer-Encoding: {MARK}": "not-implemented",
    f"GET /{MARK} HTTP/2.0\r\n{HEAD}": "http-version-not-supported",
    f"GET /problems/bad-request?{MARK} HTTP/1.1\r\n{HEAD}": "not-found",
}

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")


@pytest.fixture
def folder(tmp_path_factory):
    """A folder with a short path: a socket's may have 107 characters."""
    return tmp_path_factory.mktemp("n")


@pytest.fixture
def nginx(folder):
    with nginx_before(folder, folder / "g.sock") as running:
        yield running


@pytest.fixture
def service(models_dir, folder, nginx):
    """A gunicorn on the socket that nginx asks."""
    with serving(
        models_dir, folder / "gunicorn.log", alive=nginx.url, HOST=f"unix:{folder}/g.sock", CHURN_ALLOW_OPEN="1"
    ) as server:
        yield server


def test_keeps_connections(service, nginx):
    """A client's connection stays open from one prediction to the next."""
    with requests.Session() as session:
        answers = [session.post(nginx.url + ROUTE, json=CUSTOMER, timeout=10) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 5
        assert all(answer.headers["Connection"] == "keep-alive" for answer in answers)
        assert all(answer.headers["X-Request-ID"] for answer in answers)


def test_slow_clients_hold_no_worker(service, nginx):
    """More clients than there are workers that have sent half a request do not stop another one's."""
    slow = []
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", nginx.port))
        connection.sendall(f"POST {ROUTE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode())
        connection.sendall(b'Content-Length: 500\r\n\r\n{"tenure": ')
        slow.append(connection)
    started = time.monotonic()
    assert requests.post(nginx.url + ROUTE, json=CUSTOMER, timeout=10).status_code == 200
    assert time.monotonic() - started < 5
    for connection in slow:
        connection.close()


def test_refusals_are_problems(nginx):
    """What nginx refuses itself comes in the API's shape, and repeats nothing."""
    for raw, code in REFUSED.items():
        answer = send(nginx.port, f"{raw}\r\n\r\n")
        assert (answer.status, answer.json) == (KINDS[code].status, server_problem(code, answer.json["request_id"])), (
            raw
        )
        assert answer.headers["Content-Type"] == MEDIA_TYPE
        assert answer.headers["X-Request-ID"] == answer.json["request_id"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert MARK.encode() not in answer.bytes


SLOW = {
    "nothing": "",
    "half a line": f"GET /{MARK}",
    "half a head": f"GET /{MARK} HTTP/1.1\r\n{HEAD}X: ",
    "half a body": f"POST /{MARK} HTTP/1.1\r\n{HEAD}Content-Length: 500\r\n\r\n{{",
    "half a chunk": f"POST /{MARK} HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\n{{",
}


def test_who_is_too_slow(nginx):
    """Nginx answers nothing to a client that does not send on, and closes the connection: there is no 408 to shape."""
    nginx.reload(re.sub(r"(client_(?:header|body)_timeout) \d+s", r"\1 1s", nginx.site.read_text()))
    for case, raw in SLOW.items():
        with socket.create_connection(("127.0.0.1", nginx.port), timeout=30) as connection:
            connection.sendall(raw.encode())
            assert connection.recv(1 << 16) == b"", case


def test_ids_of_refusals(nginx):
    """A rejected request keeps its own request id where that is well-formed, as in the application."""
    refused = f"TRACE / HTTP/1.1\r\n{HEAD}X-Request-ID: "
    assert send(nginx.port, f"{refused}crm-17\r\n\r\n").json["request_id"] == "crm-17"
    for sent in ("a b", "<b>", "x" * 65):
        assert len(send(nginx.port, f"{refused}{sent}\r\n\r\n").json["request_id"]) == 32


def test_all_refusals_that_are_configured():
    """Every status that nginx may refuse with has a page, which is the problem of the API's own table."""
    text = SITE.read_text()
    pages = {code: body for code, _, body in re.findall(r"location = /problems/(\S+) \{\s+return (\d+) '(.*)';", text)}
    for code, body in pages.items():
        assert json.loads(body) == server_problem(code, "$problem_id"), code
    answered = re.findall(r"error_page ([\d ]+) =(\d+) /problems/(\S+);", text)
    assert {code for _, _, code in answered} == pages.keys()
    assert all(KINDS[code].status == int(status) for _, status, code in answered)
    refused = {int(status) for statuses, _, _ in answered for status in statuses.split()}
    assert refused == {400, 404, 405, 413, 414, 494, 497, 500, 501, 502, 503, 504, 505}


def test_bodies_are_bounded_alike():
    """The shipped nginx takes bodies as large as the service does by its defaults, at a prefix too, and no larger."""
    units = {"m": 1 << 20, "g": 1 << 30}
    settings = default_settings()
    for name in ("churn-api.conf", "prefix.conf"):
        result = re.findall(r"client_max_body_size (\d+)([mg]);", SITE.with_name(name).read_text())
        sizes = {int(number) * units[unit] for number, unit in result}
        assert sizes - {settings["MAX_CONTENT_LENGTH"]} == {settings["MAX_JOB_BYTES"]}, name


def test_what_nginx_passes_gunicorn_takes(service, nginx):
    """The longest line, the longest headers, and as many as nginx passes on, are no more than gunicorn takes."""
    line, longest = f"GET /health/live?{'x' * 7965} HTTP/1.1", f"X: {'x' * 7995}\n"
    many = "".join(f"X:{'x' * (number % 2)}\n" for number in range(950))
    passed = [f"{line}\n{HEAD}", f"GET / HTTP/1.1\r\n{HEAD}{longest * 3}", f"GET / HTTP/1.1\r\n{HEAD}{many}"]
    assert [send(nginx.port, f"{head}\r\n").status for head in passed] == [422, 200, 200]
    # One more of each is nginx's to refuse.
    refused = [f"{line.replace('?', '?' + 'x' * 12)}\r\n{HEAD}", f"GET / HTTP/1.1\r\n{HEAD}X: {'x' * 7998}"]
    refused += [f"GET / HTTP/1.1\r\n{HEAD}{longest * 5}", f"GET / HTTP/1.1\r\n{HEAD}{many * 20}"]
    assert [send(nginx.port, f"{head}\r\n\r\n").status for head in refused] == [414, 431, 431, 431]
    assert "refused before the application" not in service.log


def test_slow_answers(nginx, folder):
    """A service that takes too long is a 504, which says no more than that."""
    nginx.reload(nginx.site.read_text().replace("proxy_read_timeout 60s", "proxy_read_timeout 300ms"))
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(folder / "g.sock"))
        silent.listen()
        answer = requests.get(f"{nginx.url}/{MARK}", timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (504, "gateway-timeout")
    assert "Retry-After" not in answer.headers
    assert MARK not in answer.text


def test_large_files_reach_the_jobs(service, nginx, make_key):
    """A file to score may be larger than other bodies: it passes nginx and is queued."""
    table = b"tenure\n" + b"1\n" * 6_000_000
    headers = {"X-API-Key": make_key("jobs")}
    sent = {"file": ("customers.csv", table)}
    url = f"{nginx.url}/api/v1/jobs"
    answer = requests.post(url, files=sent, data={"model": "small"}, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


def test_service_away(nginx):
    """With no service behind it, nginx answers 503 as a problem, with Retry-After."""
    answer = requests.get(f"{nginx.url}/health/live", timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency-unavailable")
    assert answer.headers["Retry-After"] == "5"


@pytest.fixture
def authority(folder):
    """A certificate for localhost that vouches for itself."""
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run([*made, *names, *files], check=True, capture_output=True)
    return folder / "fullchain.pem"


@pytest.fixture
def tls(service, nginx, folder, authority):
    """The address of the service by TLS, as deploy/nginx/tls.conf has it."""
    port = free_port()
    chosen = (SITE.parent / "tls.conf").read_text().replace("/etc/churn-api/tls", str(folder))
    (folder / "tls.conf").write_text(chosen.replace("listen 443", f"listen 127.0.0.1:{port}"))
    nginx.reload(nginx.site.read_text().replace("server_tokens off;", "include tls.conf;"))
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"https://127.0.0.1:{port}"
        time.sleep(0.05)
    pytest.fail((folder / "error.log").read_text())


def test_tls(tls, authority):
    """Predictions are served over TLS with a verified certificate, and with HSTS."""
    answer = requests.post(tls + ROUTE, json=CUSTOMER, timeout=10, verify=str(authority))
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize(("version", "spoken"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_versions_of_tls(tls, authority, version, spoken):
    """Old TLS versions are rejected."""
    context = ssl.create_default_context(cafile=str(authority))
    context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is nginx that refuses
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    host, port = tls.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port))) as plain:
        if spoken:
            with context.wrap_socket(plain, server_hostname=host) as connection:
                assert connection.version() == version.replace("_", ".")
        else:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(plain, server_hostname=host)
