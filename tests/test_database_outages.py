"""The service while its database says nothing, and behind PgBouncer."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests
from builders import CUSTOMER, customers, write_csv
from conftest import make_all_live
from office import until
from proxies import SilentProxy
from scrapes import free_port
from sqlalchemy.engine import make_url

from churn_api.access.caller import SCOPES
from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.store.database import Database
from churn_api.store.schema import upgrade

CHURN_API = str(Path(sys.executable).with_name("churn-api"))
PREDICT = "/api/v1/predict/small"
UNKNOWN_KEY = "churn_aaaaaaaaaaaa_" + "A" * 43
AT_ONCE = 1.0
"""Seconds: less than an answer of the database is waited for."""


def _told_away(server):
    """The workers that have logged that the database is away."""
    return {int(pid) for pid in re.findall(r'"event":"the database is away.*?"pid":(\d+)', server.log)}


def get(server, path, key):
    started = time.monotonic()
    answer = requests.get(server.url + path, headers={"X-API-Key": key}, timeout=60)
    return answer, time.monotonic() - started


class Client(threading.Thread):
    """Predicts over and over."""

    def __init__(self, server, key):
        super().__init__(daemon=True)
        self._server, self._key, self._stopped = server, key, threading.Event()
        self.statuses, self.slowest = set(), 0.0

    def run(self):
        while not self._stopped.is_set():
            started = time.monotonic()
            headers = {"X-API-Key": self._key}
            answer = requests.post(self._server.url + PREDICT, json=CUSTOMER, headers=headers, timeout=60)
            self.statuses.add(answer.status_code)
            self.slowest = max(self.slowest, time.monotonic() - started)

    def stop(self):
        self._stopped.set()
        self.join(60)


def test_silent_database(serve, models_dir, monkeypatch, postgres_database):
    """While the database takes connections and says nothing, predictions go on, no worker is killed, and what needs
    the database is 503 at once and names it; when it speaks again, all is as before.
    """
    url = make_url(postgres_database)
    with SilentProxy(url.host, url.port) as proxy:
        proxied = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        monkeypatch.setenv("DATABASE_URL", proxied)
        services = Services(load_settings())
        upgrade(services.database)
        make_all_live(models_dir, services.database)
        key = services.keys.create("crm", list(SCOPES), by="test").text
        services.database.close()
        with serve(models_dir, workers=2, CHURN_AUTH="required") as server:
            until(lambda: len(server.workers()) == 2)
            before = server.workers()
            client = Client(server, key)
            client.start()
            until(lambda: client.statuses)
            assert requests.get(f"{server.url}/health/ready", timeout=30).status_code == 200
            proxy.fall_silent()
            until(lambda: _told_away(server) >= set(before))
            for path in ("/health/ready", "/api/v1/jobs", "/api/v1/status"):
                answer, seconds = get(server, path, key)
                assert (answer.status_code, answer.json()["part"]) == (503, "database"), path
                assert seconds < AT_ONCE, path
            answer, seconds = get(server, "/api/v1/jobs", UNKNOWN_KEY)
            assert (answer.status_code, seconds < AT_ONCE) == (503, True)
            answer, seconds = get(server, "/health", key)
            assert answer.json()["checks"]["database"] == {"status": "degraded", "reason": "the database is away"}
            assert seconds < AT_ONCE
            proxy.speak()
            until(lambda: get(server, "/health/ready", key)[0].status_code == 200)
            until(lambda: get(server, "/api/v1/jobs", key)[0].status_code == 200)
            client.stop()
            assert (client.statuses, server.workers()) == ({200}, before)
            assert client.slowest < AT_ONCE
            assert "Traceback" not in server.log


def test_read_only_database(serve, models_dir, monkeypatch, postgres_database):
    """A database that is turned read-only is a 503 for writes only, is shown in the health report, ends
    neither a web worker nor the job worker, and is written to again when it takes writes.
    """
    url = make_url(postgres_database)
    monkeypatch.setenv("DATABASE_URL", postgres_database)
    services = Services(load_settings())
    upgrade(services.database)
    make_all_live(models_dir, services.database)
    key = {"X-API-Key": services.keys.create("crm", list(SCOPES), by="test").text}
    services.database.close()

    def set_read_only(state):
        """Of connections to come, after ending those that there are."""
        with psycopg.connect(postgres_database.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER DATABASE {url.database} SET default_transaction_read_only = {state}")
            if state == "on":
                others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid != %s"
                connection.execute(others, [url.database, connection.info.backend_pid])

    with serve(models_dir, workers=1, CHURN_AUTH="required", CHURN_JOB_WORKER="1") as server:

        def put_live():
            return requests.put(
                f"{server.url}/api/v1/models/small/live", json={"version": "1"}, headers=key, timeout=30
            )

        assert put_live().status_code == 200
        until(lambda: "waits for jobs" in server.log, seconds=300)  # a process that loads Arrow first
        before = server.workers()
        set_read_only("on")
        until(lambda: "the database takes no writes (cannot execute" in server.log)
        until(lambda: "jobs wait for it" in server.log)
        answer = put_live()
        assert (answer.status_code, answer.json()["detail"]) == (503, "The database takes no writes.")
        assert requests.get(f"{server.url}/health/ready", timeout=30).status_code == 200
        assert requests.get(f"{server.url}/api/v1/jobs", headers=key, timeout=30).status_code == 200
        assert requests.post(server.url + PREDICT, json=CUSTOMER, headers=key, timeout=30).status_code == 200
        health = requests.get(f"{server.url}/health", timeout=30).json()
        assert (health["status"], health["checks"]["database"]["reason"]) == (
            "degraded",
            "the database takes no writes",
        )
        set_read_only("off")
        until(lambda: put_live().status_code == 200)
        until(lambda: "the database is back" in server.log)
        assert server.workers() == before
        assert "Traceback" not in server.log


@contextmanager
def pgbouncer(url, settings):
    """A PgBouncer of the test's own before a server; with no settings but where, it has its defaults."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed here")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer") as name:
        folder, target = Path(name), make_url(url)
        password = f" password='{target.password}'" if target.password else ""
        (folder / "users").write_text(f'"{target.username}" "{target.password or ""}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={target.host} port={target.port or 5432}{password}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {folder}/users\nlogfile = {folder}/log\n{settings}"
        )
        user = None
        if os.getuid() == 0:  # it refuses to run so
            user = "nobody"
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, user)
        process = subprocess.Popen([program, "-q", str(folder / "pgbouncer.ini")], user=user, stderr=subprocess.DEVNULL)
        try:
            until(lambda: (folder / "log").exists() and "process up" in (folder / "log").read_text())
            yield target.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        finally:
            process.terminate()
            process.wait(30)


def test_defaults_of_pgbouncer(postgres_database):
    """PgBouncer with its defaults, which refuses options of a start, takes the migrations, reads and writes."""
    with pgbouncer(postgres_database, "") as url:
        database = Database(url)
        upgrade(database)
        with database.transaction() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM api_keys").scalar() == 0
        assert not database.ping().read_only
        database.close()


def test_transactions_of_pgbouncer(serve, models_dir, tmp_path, monkeypatch, postgres_database):
    """The whole service runs through PgBouncer that lends a connection for one transaction, and leaves it as it was:
    migrations, keys, a swap, and a job.
    """
    table = write_csv(customers(500), tmp_path / "customers.csv")
    settings = "pool_mode = transaction\ndefault_pool_size = 2\nserver_reset_query =\n"
    with pgbouncer(postgres_database, settings) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        subprocess.run([CHURN_API, "db", "upgrade"], check=True, capture_output=True)
        services = Services(load_settings())
        key = {"X-API-Key": services.keys.create("crm", list(SCOPES), by="test").text}
        with serve(models_dir, workers=2, CHURN_AUTH="required", CHURN_JOB_WORKER="1") as server:

            def predicted():
                return requests.post(server.url + PREDICT, json=CUSTOMER, headers=key, timeout=30).json()

            live = f"{server.url}/api/v1/models/small/live"
            assert requests.put(live, json={"version": "1"}, headers=key, timeout=30).status_code == 200
            until(lambda: all(predicted().get("model_version") == "1" for _ in range(8)))
            file = {"file": ("customers.csv", table.read_bytes())}
            jobs = f"{server.url}/api/v1/jobs"
            sent = requests.post(jobs, data={"model": "small"}, files=file, headers=key, timeout=30)
            assert sent.status_code == 202, sent.text
            job = server.url + sent.headers["Location"]
            until(lambda: requests.get(job, headers=key, timeout=30).json()["state"] == "succeeded")
            assert len(requests.get(f"{job}/result", headers=key, timeout=30).text.splitlines()) == 501
            assert "is away" not in server.log
            assert "Traceback" not in server.log
        services.database.close()
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)
