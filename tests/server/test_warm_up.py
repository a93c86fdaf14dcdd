"""The warm-up before the fork: workers share more memory, and it leaves no trace in logs and metrics."""

import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
import requests
from builders import CUSTOMER
from scrapes import Scrapes, until

from churn_api.app import create_app
from churn_api.registry.worker_reports import workers
from churn_api.store.database import Database, DatabaseAway
from churn_api.store.schema import SchemaError
from churn_api.web.core.app_services import services_of

FORKED = """
import json, os, sys
from churn_api.app import create_app
from churn_api.server.warm_up import warm_up
from churn_api.web.core.app_services import services_of

def kilobytes(name):
    with open("/proc/self/smaps_rollup") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))

def mapped():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("RssFile"))

app = create_app(json.loads(sys.argv[1]))
before = mapped()
if sys.argv[2] == "shared":
    warm_up(app, services_of(app))
after = mapped()
if not os.fork():
    client = app.test_client()
    for _ in range(20):
        assert client.post("/api/v1/predict/small", json=json.loads(sys.argv[3])).status_code == 200
    print(before, after, kilobytes("Private_Dirty"), flush=True)
    os._exit(0)
os.wait()
"""


def test_unseen(serve, models_dir, instance):
    """Warm-up requests are neither counted nor logged, and the master does not count as a worker."""
    scrapes = Scrapes()
    with serve(models_dir, workers=2, CHURN_LOG_LEVEL="debug", **scrapes.environment) as server:
        database = Database(f"sqlite:///{instance / 'churn.db'}")
        until(lambda: len(workers(database)) == 2)
        assert {one.pid for one in workers(database)} == set(server.workers()) - other_processes(server)
        requests.get(f"{server.url}/health/live", timeout=10)
        until(lambda: requests_of(server))
        until(lambda: scrapes.value("http_requests_total", {}) == len(requests_of(server)))
        assert server.process.pid not in {line["pid"] for line in requests_of(server)}
        database.close()


def requests_of(server):
    """The log's lines of requests."""
    return [line for line in server.lines if line["event"] == "request"]


def other_processes(server):
    """Children of a server that take no requests: they serve its metrics."""
    said = [line["pid"] for line in server.lines if line["event"].startswith("Booting worker")]
    return set(server.workers()) - set(said)


@pytest.mark.skipif(sys.platform != "linux", reason="how memory is shared can be read on Linux alone")
def test_workers_share_more(models_dir, instance):
    """A process that is forked after the warm-up has less private memory, and less code is mapped."""
    settings = orjson.dumps({"MODELS_DIR": str(models_dir), "TESTING": True}).decode()
    own = {}
    for how in ("plain", "shared"):
        command = [sys.executable, "-c", FORKED, settings, how, orjson.dumps(CUSTOMER).decode()]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
        before, after, own[how] = map(int, re.search(r"(\d+) (\d+) (\d+)\n", done.stdout).groups())
        assert (after < before / 2) == (how == "shared")
    assert own["shared"] < own["plain"]


@pytest.mark.parametrize("failure", [DatabaseAway, PermissionError, SchemaError])
def test_database_fails(models_dir, monkeypatch, failure):
    """A failing database is queried once during the warm-up, and does not prevent the start."""
    app = create_app({"MODELS_DIR": str(models_dir)})
    asked = []

    def away(*_):
        asked.append(1)
        raise failure

    monkeypatch.setattr(Database, "_connection", away)
    services_of(app).warm_up(10)
    assert len(asked) == 1
