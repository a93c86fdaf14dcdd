"""A full disk under the prediction log: answers go on, what is lost is counted, and what had room is there once."""

import os
import shutil

import pytest
import requests
from builders import CUSTOMER
from test_full_disk import PREDICT, ext4, full
from test_prediction_log_server import counts


@pytest.fixture
def log_disk(tmp_path):
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        pytest.skip("only root mounts images, and mkfs.ext4 makes them")
    with ext4(tmp_path, "log-disk") as disk:
        yield disk


def test_a_full_log_disk(serve, models_dir, log_disk, make_key, monkeypatch):
    """While the log's disk is full every prediction is answered; before and after it each is logged once."""
    monkeypatch.setenv("CHURN_LOG_DIR", str(log_disk / "log"))
    key = make_key("ops")
    with serve(models_dir, workers=1, CHURN_LOG_FORMAT="json") as server:

        def predict(name, times):
            for turn in range(times):
                headers = {"X-Request-ID": f"{name}-{turn}"}
                answer = requests.post(server.url + PREDICT, json=CUSTOMER, headers=headers, timeout=30)
                assert answer.status_code == 200

        predict("before", 20)
        with full(log_disk, "bytes"):
            # So many that what is left of the last block of the disk does not hold them.
            predict("while", 100)
        predict("after", 20)
        metrics = requests.get(f"{server.url}/api/v1/metrics", headers={"X-API-Key": key}, timeout=30).text
        lost = next(float(line.split()[1]) for line in metrics.splitlines() if line.startswith("churn_log_lost_total"))
        events = [line["event"] for line in server.lines if "prediction log cannot be written" in line["event"]]
    logged = counts("request_id")
    assert max(logged.values()) == 1
    names = {name for (name,) in logged}
    assert {f"{part}-{turn}" for part in ("before", "after") for turn in range(20)} <= names
    assert lost > 0
    assert lost == 140 - len(names)
    assert len(events) == 1
    assert "No space left" in events[0]
