"""Metrics of a real service: exact with many workers, whatever ends them, and served by a sidecar."""

import fcntl
import os
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests
from builders import CUSTOMER
from prometheus_client.parser import text_string_to_metric_families
from scrapes import Scrapes, until

PREDICT = "/api/v1/predict/small"
ANSWERED = ("http_requests_total", {"method": "POST", "route": "/api/v1/predict/<model>", "status": "200"})


def ask(server, times: int) -> int:
    """Send concurrent predictions, and count the answers."""

    def one(_: int) -> bool:
        try:
            return requests.post(server.url + PREDICT, json=CUSTOMER, timeout=30).status_code == 200
        except requests.ConnectionError:
            return False

    with ThreadPoolExecutor(8) as clients:
        return sum(clients.map(one, range(times)))


@pytest.fixture
def scrapes() -> Scrapes:
    return Scrapes()


def test_exact_over_workers(serve, models_dir, scrapes):
    """Four workers' requests add up, on the port and on the route, and the job worker's metrics are included."""
    with serve(models_dir, workers=4, CHURN_JOB_WORKER="1", **scrapes.environment) as server:
        assert ask(server, 60) == 60
        until(lambda: scrapes.value(*ANSWERED) == 60)  # a request is counted once its answer is sent
        assert scrapes.value("model_predictions_total", {"model": "small", "version": "2"}) == 60
        assert scrapes.value("model_probability_count", {"model": "small"}) == 60
        assert scrapes.value("http_requests_in_flight", {}) == 0
        until(lambda: scrapes.value("process_resident_memory_bytes", {"role": "worker"}) > 1e6)
        assert scrapes.value("process_resident_memory_bytes", {"role": "web"}) > 4e6
        assert scrapes.value("model_generation", {"model": "small"}) >= 1


def test_exact_after_reload_and_kill(serve, models_dir, scrapes):
    """Counters stay exact over HUP, workers killed with -9, and workers that are replaced after some requests."""
    answered = 0
    with serve(
        models_dir, GUNICORN_CMD_ARGS="--max-requests 15 --max-requests-jitter 3", **scrapes.environment
    ) as server:
        for number in range(3):
            answered += ask(server, 40)
            before = set(server.workers())
            server.process.send_signal(signal.SIGHUP)
            until(lambda was=before: len(set(server.workers()) - was) >= 2)
            time.sleep(1)
            answered += ask(server, 10)
            if number < 2:
                os.kill(web_workers(scrapes)[0], signal.SIGKILL)
                time.sleep(1)
        until(lambda: scrapes.value(*ANSWERED) == answered)
        assert scrapes.value("http_request_duration_seconds_count", {"route": ANSWERED[1]["route"]}) == answered
        assert scrapes.value("http_requests_in_flight", {}) == 0
        (group,) = Path(os.environ["CHURN_INSTANCE_DIR"]).glob("metrics/group-*")
        assert len([*group.rglob("*.db")]) <= 20


def web_workers(scrapes: Scrapes) -> list[int]:
    families = text_string_to_metric_families(scrapes.text())
    started = next(family for family in families if family.name == "process_start_time_seconds")
    return [int(sample.labels["pid"]) for sample in started.samples if sample.labels["role"] == "web"]


def killed(pid: int) -> bool:
    """Kill a process; False where it is gone already: a scrape may include a process that is ending."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def test_scrapes_while_workers_start(serve, models_dir, scrapes):
    """Scrapes that never pause while workers are killed and started hang no worker, and see the counter only rise."""
    seen: list[list[float]] = [[], []]
    stop = threading.Event()

    def scrape(result: list[float]) -> None:
        while not stop.is_set():
            result.append(scrapes.value(*ANSWERED))

    with serve(models_dir, workers=2, **scrapes.environment) as server:
        ask(server, 5)
        threads = [threading.Thread(target=scrape, args=(result,)) for result in seen]
        for thread in threads:
            thread.start()
        for _ in range(8):
            until(lambda: killed(web_workers(scrapes)[-1]))
            until(lambda: len(web_workers(scrapes)) == 2)
            assert ask(server, 6) >= 5
        stop.set()
        for thread in threads:
            thread.join()
        until(lambda: scrapes.value(*ANSWERED) >= 45)
    for result in seen:
        assert result == sorted(result)
        assert result[-1] - result[0] > 30


def test_files_that_cannot_be_read(serve, models_dir, instance):
    """A failed compaction does not end the server: a new worker serves, and the log has the reason."""
    with serve(models_dir, workers=1) as server:
        (group,) = (instance / "metrics").glob("group-*")
        (group / "counter_999999999.db").write_bytes(b"\x7f" * 64)
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda: f"metrics of worker {worker} are compacted later" in server.log)
        until(lambda: ask(server, 1) == 1)


def test_served_again(serve, models_dir, scrapes):
    """Metrics are served again after the process that serves them was killed, and not after the service has ended."""
    with serve(models_dir, **scrapes.environment) as server:
        scrapes.text()
        serving = [pid for pid in everyone(server.process.pid) if listens(pid, scrapes.port)]
        assert serving
        for pid in serving:
            os.kill(pid, signal.SIGKILL)
        until(lambda: any(listens(pid, scrapes.port) for pid in everyone(server.process.pid)))
        assert scrapes.value(*ANSWERED) == 0
    until(lambda: not scrapes.is_served())


def test_port_that_is_taken(serve, models_dir, scrapes):
    """Where the port of the metrics is taken, the service answers all the same, and says so."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", scrapes.port))
        taken.listen()
        with serve(models_dir, **scrapes.environment) as server:
            assert ask(server, 3) == 3
            until(lambda: "metrics cannot be served (Address already in use)" in server.log)


def everyone(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def listens(pid: int, port: int) -> bool:
    import psutil

    try:
        return any(one.status == "LISTEN" and one.laddr.port == port for one in psutil.Process(pid).net_connections())
    except psutil.Error:
        return False


def test_version_that_answers(serve, models_dir, tmp_path, scrapes, make_key):
    """After a swap the metrics have the new version and its generation, and no longer the old version."""
    models = shutil.copytree(models_dir, tmp_path / "models")
    key = {"X-API-Key": make_key("models:write")}
    with serve(models, **scrapes.environment) as server:
        until(lambda: scrapes.value("model_live_info", {"model": "small", "version": "2"}) == 1)
        live = f"{server.url}/api/v1/models/small/live"
        assert requests.put(live, json={"version": "1"}, headers=key, timeout=30).status_code == 200
        until(lambda: scrapes.value("model_live_info", {"model": "small", "version": "1"}) == 1)
        until(lambda: 'model_live_info{model="small",version="2"}' not in scrapes.text())
        assert scrapes.value("model_generation", {"model": "small"}) == 2


def test_metrics_that_another_holds(serve, models_dir, make_key, tmp_path):
    """Metrics that a stopped process holds are a 503 that says when to try again, and no traceback in the log."""
    with serve(models_dir, CHURN_METRICS_DIR=str(tmp_path / "metrics")) as server:
        asked = partial(
            requests.get, f"{server.url}/api/v1/metrics", headers={"X-API-Key": make_key("ops")}, timeout=30
        )
        assert asked().status_code == 200
        (lock,) = tmp_path.glob("metrics/group-*/lock")
        with lock.open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            answer = asked()
    assert (answer.status_code, answer.json()["part"]) == (503, "metrics")
    assert int(answer.headers["Retry-After"]) > 0
    assert "Traceback" not in server.log
