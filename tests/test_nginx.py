"""The service behind a real nginx, by the configuration that deploy/ has. Skipped where there is none."""

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

from benchmarks.nginx import SITE, free_port, nginx_before

ROUTE = "/api/v1/predict/small"

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


def test_refusals_are_problems(service, nginx):
    """What nginx refuses itself comes in the API's shape: a body above the limit, and what is no HTTP."""
    large = requests.post(nginx.url + ROUTE, data=b"x" * 11_000_000, timeout=10)
    assert (large.status_code, large.json()["code"]) == (413, "too-large")
    assert large.headers["Content-Type"] == "application/problem+json"
    with socket.create_connection(("127.0.0.1", nginx.port)) as connection:
        connection.sendall(b"NOT HTTP\r\n\r\n")
        assert b'"code":"bad-request"' in connection.recv(4096)


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
    """Predictions are answered by TLS, with a certificate that is verified, and browsers are told to stay with it."""
    answer = requests.post(tls + ROUTE, json=CUSTOMER, timeout=10, verify=str(authority))
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize(("version", "spoken"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_versions_of_tls(tls, authority, version, spoken):
    """Old versions are refused."""
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
