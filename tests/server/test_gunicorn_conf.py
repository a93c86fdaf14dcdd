"""gunicorn's configuration, in a checkout and in the package, at start and at reload."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests
from builders import CUSTOMER
from conftest import GUNICORN, ROOT, serving
from scrapes import until

from benchmarks.nginx import free_port

OF_PACKAGE = ["--config", "python:churn_api.server.gunicorn_conf", "churn_api.server.wsgi:app"]
PREDICT = "/api/v1/predict/small"


@pytest.fixture
def settings_file(tmp_path, monkeypatch):
    """Write the file of settings that the environment names."""
    path = tmp_path / "churn.toml"
    monkeypatch.setenv("CHURN_CONFIG_FILE", str(path))
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    return path


def requesters(server):
    """The running workers, from the server's log."""
    said = {line["pid"] for line in server.lines if line["event"].startswith("Booting worker")}
    return said & set(server.workers())


def reload(server):
    """Send SIGHUP, and wait until every worker is another."""
    before = requesters(server)
    os.kill(server.process.pid, signal.SIGHUP)
    until(lambda: requesters(server) and not before & requesters(server))


@pytest.fixture
def server(models_dir, settings_file, tmp_path):
    """A server whose number of workers is the file's to say."""
    settings_file.write_text("web_concurrency = 1\n")
    started = [sys.executable, "-c", "import os, sys; del os.environ['WEB_CONCURRENCY']; os.execv(*eval(sys.argv[1]))"]
    command = [*started, repr((GUNICORN, [GUNICORN, "wsgi:app"]))]
    with serving(models_dir, tmp_path / "log", command=command) as server:
        yield server


def test_from_anywhere(models_dir, tmp_path):
    """The package's own configuration and application serve from a folder that has neither."""
    with serving(models_dir, tmp_path / "log", command=[GUNICORN, *OF_PACKAGE], cwd=tmp_path) as server:
        assert requests.post(server.url + PREDICT, json=CUSTOMER, timeout=30).status_code == 200


def test_number_of_workers_is_followed(server, settings_file):
    """At SIGHUP a server starts as many workers as its file of settings says by then, up and down."""
    assert len(requesters(server)) == 1
    settings_file.write_text("web_concurrency = 3\n")
    reload(server)
    until(lambda: len(requesters(server)) == 3)
    settings_file.write_text("web_concurrency = 2\n")
    reload(server)
    until(lambda: len(requesters(server)) == 2)


def test_level_of_the_log_is_followed(server, settings_file):
    """At SIGHUP the level of the log is read again: workers that are forked then log probes, which are `debug`."""
    settings_file.write_text('web_concurrency = 1\nlog_level = "debug"\n')
    reload(server)
    requests.get(f"{server.url}/health/live", timeout=30)
    until(lambda: any(line["level"] == "debug" and line["event"] == "request" for line in server.lines))


def test_bad_settings_change_nothing(server, settings_file):
    """A SIGHUP with invalid settings logs one line; the server continues with its old number of workers."""
    settings_file.write_text("web_concurrency = 2\n")
    reload(server)
    until(lambda: len(requesters(server)) == 2)
    settings_file.write_text("web_concurrency = 'many'\n")
    reload(server)
    until(lambda: len(requesters(server)) == 2)
    (line,) = [line for line in server.lines if line["level"] == "error"]
    assert "web_concurrency: Must be a whole number" in line["event"]
    assert "continues with the old" in line["event"]
    assert requests.post(server.url + PREDICT, json=CUSTOMER, timeout=30).status_code == 200
    settings_file.write_text("web_concurrency = 1\n")
    reload(server)
    until(lambda: len(requesters(server)) == 1)


def test_gunicorns_own_option_stands(models_dir, settings_file, tmp_path):
    """A number of workers on gunicorn's command line is not changed by the settings at SIGHUP."""
    settings_file.write_text("slow_request_ms = 5\n")
    with serving(models_dir, tmp_path / "log", command=[GUNICORN, "--workers", "3", "wsgi:app"]) as server:
        until(lambda: len(requesters(server)) == 3)
        reload(server)
        until(lambda: len(requesters(server)) == 3)


@contextmanager
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ([GUNICORN, "wsgi:app"], 1),
        ([sys.executable, "-m", "churn_api", "serve"], 2),
        ([sys.executable, "-m", "churn_api", "serve", "--reload"], 2),
    ],
    ids=lambda value: Path(value[-1]).name if isinstance(value, list) else "",
)
def test_port_that_is_taken(models_dir, command, code):
    """A port that is taken stops the start at once, with one line that names the address and the variable."""
    with taken_port() as port:
        environment = os.environ | {"CHURN_MODELS_DIR": str(models_dir), "PORT": str(port)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use)" in line
    assert "PORT=" in line
    assert "connection to" not in done.stdout


def test_address_of_another_machine(models_dir):
    """An address that is not this machine's is refused the same way."""
    environment = os.environ | {"CHURN_MODELS_DIR": str(models_dir), "HOST": "192.0.2.1", "CHURN_ALLOW_OPEN": "1"}
    done = subprocess.run([GUNICORN, "wsgi:app"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "cannot listen on 192.0.2.1:8000 (Cannot assign requested address)" in done.stderr


def test_own_port_is_not_taken(server):
    """A reload of a server that listens refuses nothing."""
    reload(server)
    assert requests.post(server.url + PREDICT, json=CUSTOMER, timeout=30).status_code == 200


INHERITED = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("command", [[GUNICORN, "wsgi:app"], [sys.executable, "-m", "churn_api", "serve"]])
def test_socket_of_systemd(models_dir, tmp_path, command):
    """A socket that systemd hands over is served on, though nothing else could listen there."""
    with serving(models_dir, tmp_path / "log", command=[sys.executable, "-c", INHERITED, *command]) as server:
        assert requests.post(server.url + PREDICT, json=CUSTOMER, timeout=30).status_code == 200


@pytest.mark.parametrize("command", [[GUNICORN, "wsgi:app"], [sys.executable, "-m", "churn_api", "serve"]])
def test_upgrade_by_signal(models_dir, tmp_path, command):
    """SIGUSR2 starts a second master on the same sockets, which answers when the first one has ended."""
    with serving(models_dir, tmp_path / "log", workers=1, command=command) as server:
        first = psutil.Process(server.process.pid)
        os.kill(first.pid, signal.SIGUSR2)

        def second():
            ready = [line["pid"] for line in server.lines if line["event"] == "Ready"]
            return [pid for pid in ready if pid != first.pid]

        until(second)
        (pid,) = second()
        upgraded = psutil.Process(pid)
        try:
            first.terminate()
            first.wait(30)
            assert requests.post(server.url + PREDICT, json=CUSTOMER, timeout=30).status_code == 200
        finally:
            upgraded.terminate()
            upgraded.wait(30)


def test_options_of_the_command(models_dir, tmp_path):
    """`churn-api serve` listens where its options say, with as many workers, whatever the environment says."""
    port = free_port()
    options = ["--host", "localhost", "--port", str(port), "--workers", "3"]
    command = [sys.executable, "-m", "churn_api", "serve", *options]
    with serving(
        models_dir, tmp_path / "log", alive=f"http://localhost:{port}", command=command, cwd=tmp_path
    ) as server:
        until(lambda: len(requesters(server)) == 3)
        assert requests.post(server.url + PREDICT, json=CUSTOMER, timeout=30).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0


def test_bad_option(models_dir):
    """An option that cannot be used is refused with the setting that it stands for, and code 2."""
    command = [sys.executable, "-m", "churn_api", "serve", "--workers", "none"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "WEB_CONCURRENCY: Not a valid integer." in done.stderr
