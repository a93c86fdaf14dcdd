"""The access log, as a real gunicorn writes it."""

import os
import shutil
import signal
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from builders import CUSTOMER
from conftest import SECRET, serving
from scrapes import until

PREDICT = "/api/v1/predict/small"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MARK = "Hidden-4711"
BROKEN = """
from wsgi import app
import churn_api.web.v1.predict

def score(model, batch, query, many):
    raise ValueError("cannot score " + str(batch.identifiers[0]))

churn_api.web.v1.predict.predict_batch = score
"""


@pytest.fixture(scope="module")
def server(models_dir, database_of_models, tmp_path_factory):
    """One server for tests that leave no state."""
    folder = tmp_path_factory.mktemp("log")
    shutil.copy(database_of_models, folder / "churn.db")
    settings = {"INSTANCE_DIR": str(folder), "AUTH": "open", "RATELIMIT_ENABLED": "0", "KEY_PEPPER": SECRET}
    chosen = {f"CHURN_{name}": value for name, value in settings.items()} | {"CHURN_JWT_SECRET": SECRET}
    with serving(models_dir, folder / "log", CHURN_SLOW_REQUEST_MS="60000", **chosen) as server:
        yield server


def line_of(server, answer):
    return server.line_of(answer.headers["X-Request-ID"])


def test_a_prediction(server):
    """A prediction's line has the route, the duration, the model and the key."""
    line = line_of(server, answer := requests.post(server.url + PREDICT, json=CUSTOMER, timeout=30))
    assert (line["event"], line["level"], line["method"], line["route"]) == (
        "request",
        "info",
        "POST",
        "/api/v1/predict/<model>",
    )
    assert (line["status"], line["model"], line["version"], line["rows"], line["bad_rows"]) == (200, "small", "2", 1, 0)
    assert (line["client"], line["bytes"]) == ("127.0.0.1", len(answer.content))
    assert line["duration_ms"] > 0
    assert not {"where", "key", "problem", "trace_id", "records"} & set(line)


def test_a_batch(server):
    """A batch's line has the numbers of rows and of bad rows."""
    bad = CUSTOMER | {"tenure": MARK}
    route = f"{server.url}/api/v1/batch-predict/small?on_error=skip"
    line = line_of(server, requests.post(route, json={"customers": [CUSTOMER, bad, CUSTOMER]}, timeout=30))
    assert (line["rows"], line["bad_rows"]) == (3, 1)


def test_problems(server):
    """A client error is logged with its problem code, and not as an error."""
    line = line_of(server, requests.post(server.url + PREDICT, json={}, timeout=30))
    assert (line["level"], line["status"], line["problem"]) == ("info", 422, "validation-failed")


def test_nothing_that_a_client_sends(server):
    """No value, field, address, method or header that a client sends is in any line, whatever it does."""
    there = server.url
    requests.post(there + PREDICT, json=CUSTOMER | {"tenure": MARK, MARK: 1, "customer_id": MARK}, timeout=30)
    requests.post(there + PREDICT, json=CUSTOMER | {"customer_id": MARK}, timeout=30)
    requests.post(there + PREDICT, data=f"{{{MARK}", headers={"Content-Type": "application/json"}, timeout=30)
    requests.post(f"{there}/api/v1/predict/{MARK}?{MARK}={MARK}", json=CUSTOMER, timeout=30)
    headers = dict.fromkeys(("X-API-Key", "Authorization", "User-Agent", "traceparent", "Host", "Referer"), MARK)
    requests.get(f"{there}/{MARK}", headers=headers | {"X-Request-ID": f"{MARK} x"}, timeout=30)
    csv = f"customerID,tenure\n{MARK},{MARK}\n"
    requests.post(f"{there}/api/v1/batch-predict/small", data=csv, headers={"Content-Type": "text/csv"}, timeout=30)
    last = line_of(server, requests.request("HIDDENX", there + PREDICT, timeout=30))
    for raw in (f'{{"name": "{MARK}"}}', f"GET / HTTP/1.1\r\n{MARK} {MARK}", f"POST {PREDICT} {MARK}"):
        with socket.create_connection(("127.0.0.1", int(there.rpartition(":")[2])), timeout=30) as client:
            client.sendall(f"{raw}\r\n\r\n".encode())
            assert b" 400 " in client.recv(1000)
    assert last["method"] == "_OTHER"
    assert MARK not in server.log
    assert "HIDDENX" not in server.log
    refusals = [line for line in server.lines if line["event"] == "refused before the application"]
    assert [(line["client"], line["problem"]) for line in refusals] == [("127.0.0.1", "bad-request")] * 3


def test_health(server):
    """A successful probe is not logged."""
    probe = requests.get(f"{server.url}/health/ready", timeout=30)
    line_of(server, requests.get(f"{server.url}/api/v1/models", timeout=30))
    assert probe.status_code == 200
    assert probe.headers["X-Request-ID"] not in server.log


def test_probes_when_debugging(serve, models_dir):
    """At LOG_LEVEL=debug, probes have their lines too."""
    with serve(models_dir, workers=1, CHURN_LOG_LEVEL="debug") as server:
        line = line_of(server, requests.get(f"{server.url}/health/live", timeout=30))
    assert (line["level"], line["route"]) == ("debug", "/health/live")


def test_traceparent(server):
    """The caller's trace context is in the request's line."""
    header = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    line = line_of(server, requests.post(server.url + PREDICT, json=CUSTOMER, headers=header, timeout=30))
    assert (line["trace_id"], line["parent_id"]) == (TRACE, SPAN)
    assert "span_id" not in line


@pytest.mark.parametrize("name", ["crm", "anyone"])
def test_key(serve, models_dir, make_key, name):
    """The line has the name of the key, and never the key."""
    key = make_key("predict", name=name)
    with serve(models_dir, workers=1, CHURN_AUTH="required") as server:
        line = line_of(
            server, requests.post(server.url + PREDICT, json=CUSTOMER, headers={"X-API-Key": key}, timeout=30)
        )
        assert line["key"] == name
        assert key not in server.log
        assert SECRET not in server.log


def test_where_time_went(serve, models_dir):
    """A slow request's line says how its time was spent: with a slow upload, mostly on the body."""
    with serve(models_dir, workers=1, CHURN_SLOW_REQUEST_MS="500") as server:
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=30) as client:
            client.sendall(f"{head}X-Request-ID: slow\r\n\r\n{{".encode())
            time.sleep(0.8)
            client.sendall(b"}")
            client.recv(1000)
        where = server.line_of("slow")["where"]
        quick = line_of(server, requests.get(f"{server.url}/api/v1/models", timeout=30))
    assert set(where) == {"body_ms", "inference_ms", "rest_ms"}
    assert where["body_ms"] > where["rest_ms"] > where["inference_ms"] == 0
    assert "where" not in quick


def test_records(serve, models_dir):
    """With LOG_RECORDS, and only then, a prediction's body is in its line, cut where it is long; the start warns."""
    with serve(models_dir, workers=1, CHURN_LOG_RECORDS="1") as server:
        sent = CUSTOMER | {"customer_id": MARK}
        line = line_of(server, requests.post(server.url + PREDICT, json=sent, timeout=30))
        many = {"customers": [sent] * 900}
        long = line_of(server, requests.post(f"{server.url}/api/v1/batch-predict/small", json=many, timeout=30))
        warned = [each for each in server.lines if "LOG_RECORDS is on" in each["event"]]
    assert MARK in line["records"]
    assert long["rows"] == 900
    assert len(long["records"]) <= 2000
    assert [line["level"] for line in warned] == ["warning"]


def test_failure(serve, models_dir, tmp_path):
    """An unexpected exception is one line with a traceback and the request id, without quoted values."""
    (tmp_path / "broken.py").write_text(BROKEN)
    with serve(models_dir, workers=1, serves="broken:app", PYTHONPATH=str(tmp_path)) as server:
        answer = requests.post(server.url + PREDICT, json=CUSTOMER | {"customer_id": MARK}, timeout=30)
        line = line_of(server, answer)
        assert MARK not in server.log
    assert (answer.status_code, line["level"], line["status"], line["problem"]) == (500, "error", 500, "internal-error")
    assert line["exception"].startswith("Traceback (most recent call last):")
    assert "in score" in line["exception"]
    assert line["exception"].endswith("ValueError")


def test_every_line(serve, models_dir):
    """Four workers, one killed, and many clients: every line is complete JSON, and each request has exactly one."""
    with serve(models_dir, workers=4, PYTHONWARNINGS="default") as server:

        def ask(number):
            sent = {"X-Request-ID": f"asked-{number}"}
            return requests.post(server.url + PREDICT, json=CUSTOMER, headers=sent, timeout=30).status_code

        with ThreadPoolExecutor(16) as clients:
            assert Counter(clients.map(ask, range(400))) == {200: 400}
        # A line is written once its answer is sent: a worker killed between the two would take the line with it.
        until(lambda: server.log.count('"request_id":"asked-') >= 400)
        killed = server.workers()[0]
        os.kill(killed, signal.SIGKILL)
        while len(set(server.workers()) - {killed}) < 4:
            time.sleep(0.05)
    asked = Counter(line["request_id"] for line in server.lines if line["event"] == "request")
    assert {asked[f"asked-{number}"] for number in range(400)} == {1}
    assert len({line["pid"] for line in server.lines if line["event"] == "request"}) > 1
    (entry,) = [line for line in server.lines if str(killed) in line["event"] and "SIGKILL" in line["event"]]
    assert (entry["level"], entry["logger"]) == ("error", "gunicorn.error")
    assert all(list(line)[:4] == ["timestamp", "level", "event", "pid"] for line in server.lines)


def test_no_passwords(serve, models_dir):
    """A database that is away is logged without its address or its password."""
    away = "postgresql://churn:hunter2@127.0.0.1:9/churn"
    with serve(models_dir, workers=1, DATABASE_URL=away) as server:
        requests.post(server.url + PREDICT, json=CUSTOMER, timeout=30)
        assert [line for line in server.lines if "the database is away" in line["event"]]
        assert "hunter2" not in server.log
