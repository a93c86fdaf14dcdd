"""The port that serves metrics: what it answers, and what it refuses."""

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter
from raw_http import send

from benchmarks.nginx import free_port
from churn_api.telemetry.metrics_server import serve_metrics
from churn_api.telemetry.multiprocess import Busy

MARK = "HIDDENMARK"
REFUSED = {
    f"{MARK}": 400,
    f"GET /{MARK} {MARK}": 400,
    f"GET /{MARK} HTTP/{MARK}": 400,
    f"{MARK} / HTTP/1.1": 405,
    f"POST /{MARK} HTTP/1.1\r\nContent-Length: 0": 405,
    f"GET /{MARK * 7000} HTTP/1.1": 414,
    f"GET / HTTP/1.1\r\n{MARK * 7000}: 1": 431,
    "GET / HTTP/1.1\r\n" + f"{MARK}: 1\r\n" * 200: 431,
    f"GET /{MARK} HTTP/3.0": 505,
}


class Broken:
    """A collector that fails, with a client's data in its words."""

    def collect(self):
        raise ValueError(MARK)


class Held:
    """A collector of metrics that another process holds."""

    def collect(self):
        raise Busy("another process holds the metrics")


@pytest.fixture(scope="module")
def port():
    """A port that serves one counter."""
    registry = CollectorRegistry()
    Counter("asked", "How often.", registry=registry).inc()
    chosen = free_port()
    serve_metrics(registry, "127.0.0.1", chosen)
    return chosen


def test_answers(port):
    """It answers the metrics, and names no version of a server."""
    answer = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
    assert "asked_total 1.0" in answer.text
    assert answer.headers["Server"] == "churn-api"


@pytest.mark.parametrize(("raw", "status"), REFUSED.items(), ids=lambda it: str(it)[:40])
def test_refusals(port, raw, status):
    """What it refuses is a problem in JSON that repeats nothing, and names no version either."""
    answer = send(port, f"{raw}\r\n\r\n")
    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Server"] == "churn-api"
    assert MARK.encode() not in answer.bytes
    assert b"Python" not in answer.bytes


def test_what_cannot_be_read():
    """Metrics that cannot be read are a problem too, without the reason."""
    registry, port = CollectorRegistry(auto_describe=False), free_port()
    registry.register(Broken())
    serve_metrics(registry, "127.0.0.1", port)
    answer = send(port, "GET /metrics HTTP/1.1\r\n\r\n")
    assert (answer.status, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert MARK.encode() not in answer.bytes


def test_what_another_holds(caplog):
    """Metrics that another process holds for too long are a 503, and a line of the log without a traceback."""
    registry, port = CollectorRegistry(auto_describe=False), free_port()
    registry.register(Held())
    serve_metrics(registry, "127.0.0.1", port)
    answer = send(port, "GET /metrics HTTP/1.1\r\n\r\n")
    assert (answer.status, answer.json["status"]) == (503, 503)
    assert "another process holds the metrics" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_port_that_is_taken(port):
    """A port that another has is an error that the caller hears of."""
    with pytest.raises(OSError, match="in use"):
        serve_metrics(CollectorRegistry(), "127.0.0.1", port)
