"""What must hold with several worker processes: limits, revocations, swaps, a database that goes and comes back."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from builders import CUSTOMER
from conftest import make_all_live, serving

from churn_api.access.caller import SCOPES
from churn_api.config import load_settings
from churn_api.registry.model import load_model
from churn_api.services import Services
from churn_api.store.database import Database
from churn_api.store.schema import upgrade

PREDICT = "/api/v1/predict/small"
FOLLOWS_WITHIN = 2.0


@pytest.fixture
def models(models_dir, tmp_path):
    return shutil.copytree(models_dir, tmp_path / "models")


def post(server, key=None, **options):
    headers = {"X-API-Key": key} if key else {}
    return requests.post(server.url + PREDICT, json=CUSTOMER, headers=headers, timeout=30, **options)


def within(seconds, holds):
    """Whether a condition becomes true in time, and stays true in every worker."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if all(holds() for _ in range(12)):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("storage", ["file", "redis"])
def test_exactly_as_many_as_allowed(serve, models_dir, storage, request):
    """With four workers and a limit of 100, of 400 requests at once exactly 100 pass."""
    settings = {"CHURN_RATELIMIT_ENABLED": "1", "CHURN_RATELIMIT_PREDICT": "100/hour"}
    if storage == "redis":
        settings["REDIS_URL"] = request.getfixturevalue("redis_url")
    with serve(models_dir, workers=4, **settings) as server, ThreadPoolExecutor(32) as clients:
        answers = Counter(clients.map(lambda _: post(server).status_code, range(400)))
    assert answers == {200: 100, 429: 300}


def test_revoked_everywhere(serve, models_dir, make_key):
    """A key that is revoked by the command stops working in every worker within two seconds."""
    key = make_key("predict", name="crm")
    with serve(models_dir, workers=4, CHURN_AUTH="required") as server:
        assert {post(server, key).status_code for _ in range(30)} == {200}
        assert post(server).status_code == 401
        Services(load_settings()).keys.revoke("crm", by="test")
        assert within(FOLLOWS_WITHIN, lambda: post(server, key).status_code == 401)


def test_new_keys_work_at_once(serve, models_dir, make_key):
    """A key that is made while the service runs works from then on."""
    with serve(models_dir, workers=2, CHURN_AUTH="required") as server:
        assert {post(server, make_key("predict", name=f"key{number}")).status_code for number in range(5)} == {200}


def put_live(server, key, version):
    return requests.put(
        f"{server.url}/api/v1/models/small/live", json={"version": version}, headers={"X-API-Key": key}, timeout=30
    )


def test_swapped_everywhere(serve, models, make_key):
    """Every worker answers with a version within two seconds after it was made live, and says so in the status."""
    key = make_key(*SCOPES)
    with serve(models, workers=4) as server:
        assert {post(server).json()["model_version"] for _ in range(20)} == {"2"}
        assert put_live(server, key, "1").status_code == 200
        assert within(FOLLOWS_WITHIN, lambda: post(server).json()["model_version"] == "1")
        time.sleep(1)
        status = requests.get(f"{server.url}/api/v1/status", headers={"X-API-Key": key}, timeout=30).json()
        workers = [worker for worker in status["workers"] if worker["pid"] in server.workers()]
        assert len(workers) == 4
        assert [worker["models"]["small"] for worker in workers] == [{"version": "1", "generation": 2}] * 4


def test_swaps_under_load(serve, models, make_key):
    """Twenty swaps under load: every answer is 200, with the probability of the version that it names."""
    key, seconds, swaps = make_key(*SCOPES), 12.0, 20
    expected = {}
    for version in ("1", "2"):
        model = load_model(models / "small" / version)
        expected[version] = model.score(model.reader.read_one(json.dumps(CUSTOMER).encode()).columns)[0]
    stop, answers = threading.Event(), []

    def load(_):
        while not stop.is_set():
            answer = post(server)
            answers.append(
                (answer.status_code, answer.json().get("model_version"), answer.json().get("churn_probability"))
            )

    with serve(models, workers=4) as server, ThreadPoolExecutor(8) as clients:
        running = clients.map(load, range(8))
        for number in range(swaps):
            assert put_live(server, key, "12"[number % 2]).status_code == 200
            time.sleep(seconds / swaps)
        stop.set()
        list(running)
    assert {status for status, _, _ in answers} == {200}
    assert {version for _, version, _ in answers} == {"1", "2"}
    assert all(probability == expected[version] for _, version, probability in answers)
    assert len(answers) > 500


def test_two_process_groups(serve, models, make_key, tmp_path, monkeypatch, postgres_database):
    """Two services on one PostgreSQL follow each other's keys and versions, each with its own folder of bundles."""
    monkeypatch.setenv("DATABASE_URL", postgres_database)
    services = Services(load_settings())
    upgrade(services.database)
    make_all_live(models, services.database)
    key = make_key(*SCOPES)
    others = shutil.copytree(models, tmp_path / "others")
    with serve(models) as one, serving(others, tmp_path / "other.log", CHURN_AUTH="required") as other:
        assert post(other, key).json()["model_version"] == "2"
        assert put_live(one, key, "1").status_code == 200
        assert within(FOLLOWS_WITHIN, lambda: post(other, key).json()["model_version"] == "1")
        services.keys.revoke("tests", by="test")
        assert within(FOLLOWS_WITHIN, lambda: post(other, key).status_code == 401)
    services.database.close()


def test_files_that_come_late(serve, models):
    """A version that is live before its files are on a machine answers there when they have come."""
    late = models / "small" / "1"
    late.rename(models / "late")
    services = Services(load_settings({"MODELS_DIR": str(models)}))
    with serve(models, workers=2) as server:
        digest = hashlib.sha256((models / "late" / "card.json").read_bytes()).hexdigest()
        services.catalog.register("small", "1", digest, by="another machine")
        services.catalog.set_live("small", "1", by="another machine")
        time.sleep(FOLLOWS_WITHIN)
        assert post(server).json()["model_version"] == "2"
        (models / "late").rename(late)
        assert within(12, lambda: post(server).json()["model_version"] == "1")


def test_command_and_service_agree(serve, models):
    """What the command makes live, a running service answers with; the same command goes back."""
    command = [str(Path(sys.executable).with_name("churn-api")), "models", "live", "small"]
    environment = os.environ | {"CHURN_MODELS_DIR": str(models)}
    with serve(models, workers=2) as server:
        for version in ("1", "2"):
            subprocess.run([*command, version], env=environment, check=True, capture_output=True)
            assert within(FOLLOWS_WITHIN, lambda v=version: post(server).json()["model_version"] == v)


def test_a_bad_version_changes_nothing(serve, models, make_key):
    """A version that is broken on this machine only is not loaded, is reported, and is never served."""
    with serve(models, workers=2) as server:
        (models / "small" / "1" / "model.onnx").write_bytes(b"changed")
        Services(load_settings({"MODELS_DIR": str(models)})).catalog.set_live("small", "1", by="another machine")
        time.sleep(FOLLOWS_WITHIN)
        assert {post(server).json()["model_version"] for _ in range(20)} == {"2"}
        health = requests.get(f"{server.url}/health", timeout=30).json()
        assert health["status"] == "degraded"
        assert "model.onnx" in health["checks"]["models"]["refused"]["small"]


POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))


class Postgres:
    """A PostgreSQL of the test's own, which can be stopped and started."""

    def __init__(self, folder, port):
        self._folder, self._port = folder, port
        self._user = "postgres" if os.getuid() == 0 else None
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self._run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "--no-sync")

    def start(self):
        options = (
            f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder} -c fsync=off"
        )
        self._run(
            "pg_ctl", "-D", str(self._folder / "data"), "-w", "-o", options, "-l", str(self._folder / "log"), "start"
        )

    def stop(self):
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")

    def _run(self, program, *arguments):
        command = [str(POSTGRES[-1].with_name(program)), *arguments]
        subprocess.run(command, check=True, user=self._user, stdout=subprocess.DEVNULL, cwd=self._folder)


@pytest.fixture
def own_postgres():
    if not POSTGRES:
        pytest.skip("PostgreSQL is not installed here")
    from benchmarks.nginx import free_port

    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        server = Postgres(folder, free_port())
        server.start()
        try:
            yield server
        finally:
            subprocess.run(
                [str(POSTGRES[-1]), "-D", str(folder / "data"), "-m", "immediate", "stop"],
                user="postgres" if os.getuid() == 0 else None,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder,
            )


def test_database_goes_and_comes_back(serve, models, monkeypatch, own_postgres):
    """Without its database the service predicts on, is not ready and says why; when it is back, all is as before."""
    monkeypatch.setenv("DATABASE_URL", own_postgres.url)
    services = Services(load_settings({"MODELS_DIR": str(models)}))
    upgrade(services.database)
    make_all_live(models, services.database)
    key = services.keys.create("crm", ["predict"], by="test").text
    with serve(models, workers=2, CHURN_AUTH="required") as server:
        assert {post(server, key).status_code for _ in range(20)} == {200}
        assert requests.get(f"{server.url}/health/ready", timeout=30).status_code == 200
        own_postgres.stop()
        assert {post(server, key).status_code for _ in range(20)} == {200}
        ready = requests.get(f"{server.url}/health/ready", timeout=30)
        assert (ready.status_code, ready.json()["part"]) == (503, "database")
        assert post(server, "churn_aaaaaaaaaaaa_" + "A" * 43).json()["code"] == "dependency-unavailable"
        time.sleep(2)
        own_postgres.start()
        assert within(10, lambda: requests.get(f"{server.url}/health/ready", timeout=30).status_code == 200)
        services.catalog.set_live("small", "1", by="test")
        assert within(5, lambda: post(server, key).json()["model_version"] == "1")
        assert "the database is away" in server.log
        assert "the database is back" in server.log
    services.database.close()


def test_started_without_its_database(serve, models, monkeypatch, own_postgres):
    """A service that starts while its database is away is not ready, and is when it comes back."""
    monkeypatch.setenv("DATABASE_URL", own_postgres.url)
    database = Database(own_postgres.url)
    upgrade(database)
    make_all_live(models, database)
    database.close()
    own_postgres.stop()
    with serve(models, workers=2) as server:
        assert post(server).status_code == 503
        own_postgres.start()
        assert within(10, lambda: post(server).status_code == 200)


@pytest.mark.parametrize(
    ("settings", "output"),
    [
        ({"CHURN_AUTH": "open", "HOST": "0.0.0.0"}, "CHURN_ALLOW_OPEN=1"),  # noqa: S104
        ({"CHURN_JWT_SECRET": "short"}, "CHURN_JWT_SECRET"),
        ({"CHURN_KEY_PEPPER": "", "DATABASE_URL": "postgresql://127.0.0.1:1/none"}, "CHURN_KEY_PEPPER="),
        ({"DATABASE_URL": "sqlite:////tmp/churn-api-nothing-here.db"}, "run `churn-api db upgrade`"),
        ({"CHURN_JWKS_FILE": "/nowhere.json", "CHURN_JWT_ISSUER": "x"}, "nowhere.json cannot be read"),
        ({"CHURN_RATELIMIT_PREDICT": "often"}, "CHURN_RATELIMIT_PREDICT"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_stops_the_start(models_dir, settings, output):
    """What would be unsafe, or cannot work, stops the start with one line that says what to do."""
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    environment = os.environ | {"CHURN_MODELS_DIR": str(models_dir)} | settings
    done = subprocess.run([gunicorn, "wsgi:app"], env=environment, capture_output=True, text=True, timeout=60)
    Path("/tmp/churn-api-nothing-here.db").unlink(missing_ok=True)  # noqa: S108
    assert done.returncode == 1
    assert output in done.stderr
    assert "Traceback" not in done.stderr


def test_killed_while_it_swaps(serve, models, make_key):
    """A worker killed in the middle of swaps is replaced by one that answers with the version that is live."""
    key = make_key(*SCOPES)
    with serve(models, workers=2) as server:
        for number in range(4):
            put_live(server, key, "12"[number % 2])
            os.kill(server.workers()[0], signal.SIGKILL)
        assert within(10, lambda: post(server).json()["model_version"] == "2")
