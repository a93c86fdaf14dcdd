"""A server that root starts for another user, and one on IPv6."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import psutil
import pytest
import requests
from builders import CUSTOMER
from conftest import ROOT, serving
from office import LEASE, Office, until

from benchmarks.nginx import free_port


@pytest.fixture
def open_folder():
    """A folder that every user may look into, unlike the tests' own."""
    folder = Path(tempfile.mkdtemp(prefix="churn-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def python_for(user):
    """A Python that a user may run, and the path by which it finds what this one does; None where there is none."""
    path = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    for python in (sys.executable, "/usr/bin/python3"):
        command, environment = [python, "-c", "import churn_api.app"], os.environ | {"PYTHONPATH": path}
        try:
            subprocess.run(command, cwd="/", user=user, env=environment, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python, path
    return None


def test_started_by_root_for_another_user(models_dir, instance, open_folder, small_table, monkeypatch):
    """With gunicorn's --user and --group workers, metrics and job worker are that user's, and all of it works."""
    result = python_for("nobody") if os.geteuid() == 0 else None
    if result is None:
        pytest.skip("only root becomes another user, who must be able to run a Python with these packages")
    python, libraries = result
    user = pwd.getpwnam("nobody")
    shutil.copytree(models_dir, open_folder / "models")
    shutil.copytree(instance, open_folder / "instance")
    for path in (open_folder, *open_folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    folders = {"CHURN_INSTANCE_DIR": str(open_folder / "instance"), "CHURN_METRICS_DIR": str(open_folder / "metrics")}
    for name, value in folders.items():
        monkeypatch.setenv(name, value)
    metrics, chosen = free_port(), {"CHURN_RATELIMIT_ENABLED": "1", "CHURN_JOB_WORKER": "1"}
    command = [python, "-m", "gunicorn", "--user", "nobody", "--group", str(user.pw_gid), "wsgi:app"]
    with serving(
        open_folder / "models",
        open_folder / "log",
        workers=1,
        command=command,
        CHURN_METRICS_PORT=str(metrics),
        PYTHONPATH=libraries,
        TMPDIR=str(open_folder),
        **chosen,
        **LEASE,
    ) as server:
        assert requests.post(f"{server.url}/api/v1/predict/small", json=CUSTOMER, timeout=30).status_code == 200
        # On the job worker's behalf: its user writes what this test, as root, has made.
        office = Office(open_folder / "models")
        files = office.put(small_table)
        for path in (files.folder.parent, *files.folder.parent.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)
        assert office.finished().state == "succeeded", server.log
        office.services.database.close()
        until(lambda: "_requests_total" in requests.get(f"http://127.0.0.1:{metrics}/metrics", timeout=30).text)
        assert requests.get(f"{server.url}/health", timeout=30).json()["checks"]["workers"]["count"] == 1
        result = psutil.Process(server.process.pid).children(recursive=True)
        serve = [one for one in result if one.children() == [] and one.status() != psutil.STATUS_ZOMBIE]
        assert {one.uids().real for one in serve} == {user.pw_uid}
        assert {path.owner() for path in (open_folder / "instance").iterdir()} == {"nobody"}
        levels = [line for line in server.lines if line["level"] in ("error", "warning")]
        assert levels == []


def test_ipv6_in_brackets(models_dir, tmp_path):
    """HOST may be an address of IPv6 as URLs write it."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    port = free_port()
    command = [sys.executable, "-m", "churn_api", "serve"]
    chosen = {"HOST": "[::1]", "PORT": str(port), "alive": f"http://[::1]:{port}", "command": command}
    with serving(models_dir, tmp_path / "log", workers=1, **chosen) as server:
        assert requests.get(f"{server.url}/health/ready", timeout=30).status_code in (200, 503)
        assert f"Listening at: http://[::1]:{port}" in server.log
