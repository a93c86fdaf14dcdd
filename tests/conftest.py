"""Real components for every test: small models trained once a session, applications, a gunicorn."""

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
from builders import ODD_NAMES, customers, write_csv
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from limits.storage import storage_from_string
from sqlalchemy import create_engine, text
from tensor_graphs import package_examples
from threadpoolctl import threadpool_limits

from benchmarks.nginx import free_port
from benchmarks.simulated_company import train_versions
from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.config import METRICS_GROUP, load_settings
from churn_api.registry.bundle import bundle_digests, read_card
from churn_api.registry.card import Card
from churn_api.registry.catalog import Catalog
from churn_api.services import Services
from churn_api.store.database import Database
from churn_api.store.schema import upgrade
from churn_api.telemetry import mmap_values
from churn_api.training.sample import sample_table
from churn_api.training.train import train
from churn_api.training.training_options import TrainingOptions
from churn_api.web.core.in_process_api import close

# The tests run in as many processes as there are cores. Threads of numeric libraries that wait for each other, while
# another process has the core, make training take ten times as long.
threadpool_limits(limits=1)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of the commands that tests run

# By default Hypothesis fails an example that takes 200 ms, which any does now and then on a busy machine.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

ROOT = Path(__file__).parents[1]
SECRET = "a secret of the tests, and of nothing else"  # noqa: S105
GUNICORN = str(Path(sys.executable).with_name("gunicorn"))
HORIZON = 10
TELCO = ROOT.parent / "shared" / "data" / "telco.csv"


class Silent:
    """A progress callback that does nothing."""

    def plan(self, steps: int) -> None: ...

    def step(self, what: str) -> None: ...


def train_on(table: Path, models_dir: Path, name: str, **choices: object) -> Card:
    estimator = str(choices.pop("estimator", "logistic"))
    chosen = TrainingOptions(**({"target": "Churn", "identifier": "customerID"} | choices))
    return train(table, chosen, name=name, models_dir=models_dir, progress=Silent(), estimator=estimator).card


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A copy of a folder that the first of the parallel processes fills.

    Each process has its own, so that no test sees what another process changes.
    """
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "once"
    shared.mkdir(exist_ok=True)
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / name).exists():
            draft = factory.mktemp(name)
            make(draft)
            draft.rename(shared / name)
    return Path(shutil.copytree(shared / name, factory.mktemp(name), dirs_exist_ok=True))


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models: `default` on sample data, `small` with two versions and an open feature, `odd` with odd names."""
    return made_once(tmp_path_factory, "models", train_three)


def train_three(folder: Path) -> None:
    tables = folder / "tables"
    tables.mkdir()
    sample = write_csv(sample_table(600, 3), tables / "sample.csv")
    train_on(sample, folder, "default", target="churn", identifier="customer_id")
    small = write_csv(customers(), tables / "small.csv")
    train_on(small, folder, "small")
    train_on(small, folder, "small", estimator="boosting", opened=("Region",))
    odd = write_csv(odd_customers(), tables / "odd.csv")
    train_on(odd, folder, "odd", target="Churn?", identifier=None)
    assert all(read_card(bundle.parent).scorer == "onnx" for bundle in folder.glob("*/*/card.json"))
    shutil.rmtree(tables)


@pytest.fixture(scope="session")
def models_with_horizon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model, `small`, which means that customers leave within HORIZON days."""
    return made_once(tmp_path_factory, "horizon", train_with_horizon)


@pytest.fixture(scope="session")
def company_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model on sample data, `company`, whose second version is worse than it looks in training."""
    return made_once(tmp_path_factory, "company", train_versions)


def train_with_horizon(folder: Path) -> None:
    table = write_csv(customers(), folder / "small.csv")
    train_on(table, folder, "small", horizon_days=HORIZON)
    table.unlink()


def odd_customers() -> pd.DataFrame:
    """A table whose columns have names that are no Python identifiers."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame({name: rng.normal(100, 30, 200).round(1) for name in ODD_NAMES})
    table["VMail Plan"] = rng.choice(["Yes", "No"], 200)
    table["churn "] = rng.choice(["a b", "c'd", "é"], 200)
    return table.assign(**{"Churn?": np.where(table["Day Mins"] + rng.normal(0, 20, 200) > 110, "Yes", "No")})


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with nothing in it, to be copied."""
    path = tmp_path_factory.mktemp("database") / "churn.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


def make_all_live(folder: Path, database: Database) -> None:
    """Register all of a folder, and make the newest version of each model live, as an operator does."""
    catalog = Catalog(database)
    catalog.register_new(bundle_digests(folder), by="tests")
    for name, entry in catalog.read().items():
        catalog.set_live(name, list(entry.digests)[-1], by="tests")


@pytest.fixture(scope="session")
def database_of_models(empty_database: Path, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with the newest version of each model of `models_dir` live."""
    path = shutil.copy(empty_database, tmp_path_factory.mktemp("database") / "churn.db")
    database = Database(f"sqlite:///{path}")
    make_all_live(models_dir, database)
    database.close()
    return path


@pytest.fixture(autouse=True)
def instance(
    request: pytest.FixtureRequest,
    empty_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Separate state for each test: a database, known secrets, AUTH=open, and no rate limits.

    For a test that works with `models_dir` its models are live; else the database is empty.
    """
    folder = tmp_path_factory.mktemp("instance")
    of_models = "models_dir" in request.fixturenames
    shutil.copy(request.getfixturevalue("database_of_models") if of_models else empty_database, folder / "churn.db")
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    chosen = {
        "INSTANCE_DIR": folder,
        "AUTH": "open",
        "RATELIMIT_ENABLED": 0,
        "KEY_PEPPER": SECRET,
        "JWT_SECRET": SECRET,
        "LOG_SECRET": SECRET,
        "METRICS_DIR": folder / "metrics",
    }
    for name, value in chosen.items():
        monkeypatch.setenv(f"CHURN_{name}", str(value))
    return folder


@pytest.fixture(scope="session")
def postgres() -> str:
    """The address of a PostgreSQL server that databases may be made on."""
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        pytest.skip("TEST_DATABASE_URL names no PostgreSQL server")
    return url


@pytest.fixture
def redis_url() -> str:
    """A Redis database for this test process alone: each process takes one, up to the number in the URL."""
    url = os.environ.get("TEST_REDIS_URL")
    if not url:
        pytest.skip("TEST_REDIS_URL names no Redis server")
    server, _, number = url.rpartition("/")
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = f"{server}/{int(number) - process}"
    storage_from_string(own).reset()
    return own


@pytest.fixture
def postgres_database(postgres: str) -> Iterator[str]:
    """An empty database of the test's own."""
    name = f"churn_test_{secrets.token_hex(6)}"
    server = create_engine(Database(postgres).url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield Database(postgres).url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, instance: Path) -> str:
    """A database of either kind, with no tables yet."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_database"))
    return f"sqlite:///{instance / 'other.db'}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database of either kind."""
    database = Database(database_url)
    upgrade(database)
    yield database
    database.close()


@pytest.fixture
def make_key() -> Callable[..., str]:
    """Make an API key: `make_key("predict", "ops", rate="5/hour")`."""

    def make(*scopes: str, name: str = "tests", **chosen: Any) -> str:
        services = Services(load_settings())
        text = services.keys.create(name, scopes, by="tests", **chosen).text
        services.database.close()
        return text

    return make


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write a TOML file of settings, which the environment names."""

    def write(text: str) -> None:
        path = tmp_path / "churn.toml"
        path.write_text(text)
        monkeypatch.setenv("CHURN_CONFIG_FILE", str(path))

    return write


@pytest.fixture
def metrics_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A group of metric files of this process's, with nothing counted so far."""
    monkeypatch.setenv(METRICS_GROUP, str(tmp_path))
    monkeypatch.setattr(mmap_values, "_files", {})
    monkeypatch.setattr(mmap_values, "_values", [])
    return tmp_path


class ServedClient(FlaskClient):
    """A client whose requests come as gunicorn hands them on: the body ends where it should."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.environ_base["wsgi.input_terminated"] = True


# Of every application that a test makes: the ways of a request depend on it.
Flask.test_client_class = ServedClient


@pytest.fixture
def app(models_dir: Path) -> Iterator[Flask]:
    app = create_app({"MODELS_DIR": str(models_dir), "TESTING": True})
    yield app
    close(app)


@pytest.fixture
def client(app: Flask, make_key: Callable[..., str]) -> FlaskClient:
    """A client whose key may do everything."""
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    return client


@pytest.fixture(scope="session")
def tensor_models_dir(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same three, and the tensor models `iris`, `colours` and `sum`."""
    folder = tmp_path_factory.mktemp("tensors") / "models"
    shutil.copytree(models_dir, folder)
    package_examples(folder)
    return folder


@pytest.fixture
def tensor_client(tensor_models_dir: Path, instance: Path, make_key: Callable[..., str]) -> Iterator[FlaskClient]:
    """A client whose key may do everything, with all these models live."""
    database = Database(f"sqlite:///{instance / 'churn.db'}")
    make_all_live(tensor_models_dir, database)
    database.close()
    app = create_app({"MODELS_DIR": str(tensor_models_dir), "TESTING": True})
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    yield client
    close(app)


class Server:
    """A gunicorn of the test's own."""

    def __init__(self, process: subprocess.Popen[str], url: str, log: Path) -> None:
        self.process, self.url, self._log = process, url, log

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log, where all of it is JSON."""
        return [json.loads(line) for line in self.log.splitlines()]

    def line_of(self, request_id: str) -> dict[str, Any]:
        """The one line of a request, as soon as it is written: that is after its answer."""
        for _ in range(200):
            result = [line for line in self.lines if line.get("request_id") == request_id]
            if result:
                (line,) = result
                return line
            time.sleep(0.02)
        pytest.fail(f"no log line has {request_id}: {self.log}")

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children]


@contextmanager
def serving(
    models_dir: Path | None,
    log: Path,
    workers: int = 2,
    alive: str | None = None,
    serves: str = "wsgi:app",
    command: Sequence[str] = (),
    cwd: Path = ROOT,
    **environment: str,
) -> Iterator[Server]:
    """A gunicorn with the project's own configuration on a free port, or behind what answers at `alive`.

    `command` starts one in another way; without a folder of models it has its own.
    """
    port = free_port()
    chosen = {"PORT": str(port), "WEB_CONCURRENCY": str(workers)}
    if models_dir:
        chosen["CHURN_MODELS_DIR"] = str(models_dir)
    with log.open("w") as stream:
        process = subprocess.Popen(
            command or [GUNICORN, serves],
            cwd=cwd,
            env=os.environ | chosen | environment,
            stdout=stream,
            stderr=stream,
            text=True,
        )
    server = Server(process, alive or f"http://127.0.0.1:{port}", log)
    try:
        _wait_until_alive(server)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        finally:
            process.kill()


def _wait_until_alive(server: Server) -> None:
    for _ in range(1200):
        try:
            if requests.get(f"{server.url}/health/live", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        assert server.process.poll() is None, server.log
        time.sleep(0.05)
    pytest.fail(f"the server does not answer: {server.log}")


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., object]:
    """Start a gunicorn: `with serve(models_dir) as server`."""
    return lambda models_dir, **options: serving(models_dir, tmp_path / "gunicorn.log", **options)


@pytest.fixture(scope="session")
def telco() -> Path:
    """The IBM Telco table, which is not the project's to ship."""
    if not TELCO.exists():
        pytest.skip("the IBM Telco table is missing (shared/data/telco.csv)")
    return TELCO


@pytest.fixture(scope="session")
def small_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(customers(), tmp_path_factory.mktemp("small") / "customers.csv")
