"""Servers that are stopped under load: every accepted request is answered."""

import shutil
import signal
import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager

import pytest
import requests
from builders import CUSTOMER
from conftest import GUNICORN, serving

from benchmarks.nginx import nginx_before

ROUTE = "/api/v1/predict/small"
CLIENTS = 6

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")


@pytest.fixture
def folder(tmp_path_factory):
    """A folder with a short path: a socket's may have 107 characters."""
    return tmp_path_factory.mktemp("d")


@contextmanager
def asked(url):
    """Clients that post customers one after another, and count how each was answered."""
    answers, over = Counter(), threading.Event()

    def ask():
        while not over.is_set():
            try:
                answers[requests.post(url + ROUTE, json=CUSTOMER, timeout=30).status_code] += 1
            except requests.RequestException as error:
                answers[type(error).__name__] += 1

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield answers
    finally:
        over.set()
        for client in clients:
            client.join()


def wait_until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_more(answers):
    """Until each client is answered some times more."""
    before = answers.total()
    wait_until(lambda: answers.total() > before + 50)


def ready(url):
    return requests.get(f"{url}/health/ready", timeout=10)


def test_says_so_first(serve, models_dir):
    """A stopping server is immediately not ready, keeps serving predictions for a while, and exits with code 0."""
    with serve(models_dir, CHURN_DRAIN_SECONDS="3") as server:
        assert ready(server.url).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: ready(server.url).status_code == 503)
        assert ready(server.url).json()["code"] == "draining"
        for _ in range(10):
            assert requests.post(server.url + ROUTE, json=CUSTOMER, timeout=10).status_code == 200
        assert server.process.wait(timeout=30) == 0


def test_the_second_time_at_once(serve, models_dir):
    """A second SIGTERM stops the server at once."""
    with serve(models_dir, CHURN_DRAIN_SECONDS="600") as server:
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: ready(server.url).status_code == 503)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0


@needs_nginx
def test_rolling_restart(models_dir, folder):
    """Of two groups behind nginx one is stopped and started after the other, under load: no request fails."""
    sockets = [folder / "blue.sock", folder / "green.sock"]
    settings = {"CHURN_ALLOW_OPEN": "1", "CHURN_DRAIN_SECONDS": "1"}
    with nginx_before(folder, *sockets) as nginx, ExitStack() as ending:

        def start(own, log):
            server = ending.enter_context(serving(models_dir, log, alive=nginx.url, HOST=f"unix:{own}", **settings))
            wait_until(own.is_socket)
            return server

        groups = {own: start(own, own.with_suffix(".log")) for own in sockets}
        with asked(nginx.url) as answers:
            for own, server in groups.items():
                wait_for_more(answers)
                server.process.send_signal(signal.SIGTERM)
                assert server.process.wait(timeout=60) == 0
                start(own, own.with_suffix(".new.log"))
            wait_for_more(answers)
    assert set(answers) == {200}, answers


@needs_nginx
def test_workers_replaced_under_load(models_dir, folder):
    """SIGHUP replaces every worker of a group under load: no request fails."""
    with (
        nginx_before(folder, folder / "g.sock") as nginx,
        serving(
            models_dir, folder / "log", alive=nginx.url, HOST=f"unix:{folder}/g.sock", CHURN_ALLOW_OPEN="1"
        ) as server,
        asked(nginx.url) as answers,
    ):
        for _ in range(3):
            before = set(server.workers())
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda before=before: len(server.workers()) == 2 and not before & set(server.workers()))
    assert set(answers) == {200}, answers


def test_cut_off_at_the_end(serve, models_dir):
    """A request that takes longer than a shutdown may is answered 503 and has its line, before its worker is killed."""
    command = [GUNICORN, "--graceful-timeout", "3", "wsgi:app"]
    head = "POST /api/v1/predict/small HTTP/1.1\r\nHost: x\r\nX-Request-ID: late\r\nContent-Type: application/json\r\n"
    with serve(models_dir, workers=1, command=command) as server:
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=30) as client:
            client.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
            time.sleep(1)
            server.process.send_signal(signal.SIGTERM)
            answer = client.makefile("rb").read()
        server.process.wait(30)
        line = server.line_of("late")
    assert answer.startswith(b"HTTP/1.1 503")
    assert b'"code":"draining"' in answer
    assert (line["status"], line["problem"]) == (503, "draining")
    assert "Traceback" not in server.log
