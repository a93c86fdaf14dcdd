"""The service behind a real nginx, by the configuration that deploy/ has. Skipped where there is none."""

import os
import shutil
import socket
import subprocess
import time

import pytest
import requests
from builders import CUSTOMER
from conftest import ROOT, serving

NGINX = shutil.which("nginx")
ROUTE = "/api/v1/predict/small"

pytestmark = pytest.mark.skipif(NGINX is None, reason="there is no nginx here")


class Nginx:
    """An nginx of the test's own, in front of a socket that may or may not have a service behind it."""

    def __init__(self, folder, backend):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        site = (ROOT / "deploy/nginx/churn-api.conf").read_text()
        site = site.replace("/run/churn-api/gunicorn.sock", str(backend)).replace(
            "listen 80", f"listen 127.0.0.1:{self.port}"
        )
        (folder / "site.conf").write_text(site)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root; " if os.getuid() == 0 else ""  # its workers must reach a socket in root's own folder
        (folder / "nginx.conf").write_text(
            f"{user}daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ access_log off; {temporary} include {folder}/site.conf; }}\n"
        )
        command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail((folder / "error.log").read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)


@pytest.fixture
def folder(tmp_path_factory):
    """A folder with a short path: a socket's may have 107 characters."""
    return tmp_path_factory.mktemp("n")


@pytest.fixture
def nginx(folder):
    nginx = Nginx(folder, folder / "g.sock")
    yield nginx
    nginx.stop()


@pytest.fixture
def service(models_dir, folder, nginx):
    """A gunicorn on the socket that nginx asks."""
    with serving(models_dir, folder / "gunicorn.log", alive=nginx.url, HOST=f"unix:{folder}/g.sock") as server:
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


def test_service_away(nginx):
    """With no service behind it, nginx answers 503 as a problem, with Retry-After."""
    answer = requests.get(f"{nginx.url}/health/live", timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency-unavailable")
    assert answer.headers["Retry-After"] == "5"
