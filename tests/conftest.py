"""Real components for every test: small models trained once a session, applications, a gunicorn."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
from builders import ODD_NAMES, customers, write_csv
from flask import Flask
from flask.testing import FlaskClient

from churn_api.app import create_app
from churn_api.registry.bundle import read_card
from churn_api.registry.card import Card
from churn_api.training.preparation import Choices
from churn_api.training.sample import sample_table
from churn_api.training.train import train

ROOT = Path(__file__).parents[1]
TELCO = ROOT.parent / "shared" / "data" / "telco.csv"


class Silent:
    """Progress that nobody watches."""

    def plan(self, steps: int) -> None: ...

    def step(self, what: str) -> None: ...


def train_on(table: Path, models_dir: Path, name: str, **choices: object) -> Card:
    estimator = str(choices.pop("estimator", "logistic"))
    chosen = Choices(**({"target": "Churn", "identifier": "customerID"} | choices))
    return train(table, chosen, name=name, models_dir=models_dir, progress=Silent(), estimator=estimator).card


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models: `default` on sample data, `small` with two versions and an open feature, `odd` with odd names."""
    folder = tmp_path_factory.mktemp("models")
    tables = tmp_path_factory.mktemp("tables")
    sample = write_csv(sample_table(600, 3), tables / "sample.csv")
    train_on(sample, folder, "default", target="churn", identifier="customer_id")
    small = write_csv(customers(), tables / "small.csv")
    train_on(small, folder, "small")
    train_on(small, folder, "small", estimator="boosting", opened=("Region",))
    odd = write_csv(odd_customers(), tables / "odd.csv")
    train_on(odd, folder, "odd", target="Churn?", identifier=None)
    assert all(read_card(bundle.parent).scorer == "onnx" for bundle in folder.glob("*/*/card.json"))
    return folder


def odd_customers() -> pd.DataFrame:
    """A table whose columns have names that are no Python identifiers."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame({name: rng.normal(100, 30, 200).round(1) for name in ODD_NAMES})
    table["VMail Plan"] = rng.choice(["Yes", "No"], 200)
    table["churn "] = rng.choice(["a b", "c'd", "é"], 200)
    return table.assign(**{"Churn?": np.where(table["Day Mins"] + rng.normal(0, 20, 200) > 110, "Yes", "No")})


@pytest.fixture
def app(models_dir: Path) -> Flask:
    return create_app({"MODELS_DIR": str(models_dir)})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


class Server:
    """A gunicorn of the test's own."""

    def __init__(self, process: subprocess.Popen[str], url: str, log: Path) -> None:
        self.process, self.url, self._log = process, url, log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children]


@contextmanager
def serving(
    models_dir: Path, log: Path, workers: int = 2, alive: str | None = None, **environment: str
) -> Iterator[Server]:
    """A gunicorn with the project's own configuration on a free port, or behind what answers at `alive`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chosen = {"PORT": str(port), "WEB_CONCURRENCY": str(workers), "CHURN_MODELS_DIR": str(models_dir)}
    command = [str(Path(sys.executable).with_name("gunicorn")), "wsgi:app"]
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | chosen | environment, stdout=stream, stderr=stream, text=True
        )
    server = Server(process, alive or f"http://127.0.0.1:{port}", log)
    try:
        _wait_until_alive(server)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def _wait_until_alive(server: Server) -> None:
    for _ in range(200):
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
        pytest.skip("the IBM Telco table is not beside the project (shared/data/telco.csv)")
    return TELCO


@pytest.fixture(scope="session")
def small_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(customers(), tmp_path_factory.mktemp("small") / "customers.csv")
