"""The prediction log of real servers: what was answered before a kill is there once, and nothing is twice."""

import os
import signal
import threading
import time
from collections import Counter

import requests
from builders import CUSTOMER
from office import Office, grouped, until, working

from churn_api.config import load_settings
from churn_api.monitoring.logged_predictions import logged_days
from churn_api.services import Services

PREDICT = "/api/v1/predict/small"


class Load:
    """Threads that predict until they are stopped, and the ids of the requests that were answered."""

    def __init__(self, server, threads=6):
        self.answered, self.failed = [], 0
        self._url, self._stopped = server.url + PREDICT, threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def _send(self, thread):
        session = requests.Session()
        turn = 0
        while not self._stopped.is_set():
            turn += 1
            name = f"{thread}-{turn}"
            try:
                answer = session.post(self._url, json=CUSTOMER, headers={"X-Request-ID": name}, timeout=30)
            except requests.RequestException:
                self.failed += 1
                continue
            if answer.status_code == 200:
                self.answered.append(name)

    def more(self, count):
        """Wait for further answers."""
        wanted = len(self.answered) + count
        until(lambda: len(self.answered) >= wanted)

    def stop(self):
        self._stopped.set()
        for thread in self._threads:
            thread.join()


def counts(*columns):
    """How often each prediction is in the log, after compaction."""
    services = Services(load_settings())
    services.monitoring.log_maintenance.run()
    days = list(logged_days(services.monitoring.log_folder, services.database, "small", columns))
    services.database.close()
    return Counter(row for day in days for row in zip(*day.table.to_pydict().values(), strict=True))


def test_killed_under_load(serve, models_dir, instance):
    """Of four workers, of which some are killed and all are replaced by SIGHUP, every answer is logged once."""
    with serve(models_dir, workers=4) as server:
        load = Load(server)
        load.more(100)
        for worker in server.workers()[:2]:
            os.kill(worker, signal.SIGKILL)
        load.more(100)
        server.process.send_signal(signal.SIGHUP)
        load.more(100)
        load.stop()
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
    logged = counts("request_id")
    assert max(logged.values()) == 1
    missing = {name for name in load.answered if (name,) not in logged}
    assert missing == set()
    assert len(logged) <= len(load.answered) + load.failed
    assert not any(instance.joinpath("prediction-log", "segments").iterdir())


def test_a_job_whose_worker_is_killed(models_dir, tmp_path, instance):
    """A job whose worker is killed between blocks is logged once, row by row, whoever finishes it."""
    office = Office(models_dir)
    office.put(grouped(tmp_path / "t.parquet", 12), format="parquet", keep=[])
    with working(models_dir, tmp_path / "first.log") as worker:
        office.blocks(3)
        worker.kill_all()
    with working(models_dir, tmp_path / "second.log"):
        assert office.finished().state == "succeeded"
        time.sleep(0.5)
    assert counts("request_id", "row") == Counter(("one", row) for row in range(12 * 400))
