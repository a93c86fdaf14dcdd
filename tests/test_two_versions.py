"""Two versions side by side on two machines with one PostgreSQL: workers agree, whatever happens meanwhile."""

import json
import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests
from builders import CUSTOMER, customers, write_csv
from conftest import make_all_live, serving, train_on
from scrapes import until

from churn_api.access.caller import SCOPES
from churn_api.config import load_settings
from churn_api.registry.model import load_model
from churn_api.services import Services
from churn_api.store.schema import upgrade

PREDICT, BATCH, EXPERIMENTS = "/api/v1/predict/small", "/api/v1/batch-predict/small", "/api/v1/experiments"
SENT = [CUSTOMER | {"customer_id": f"N{number}"} for number in range(300)]
FOLLOWS_WITHIN = 2.0


@pytest.fixture
def machines(models_dir, make_key, tmp_path, monkeypatch, postgres_database):
    """Two services, with four workers and with one, version 1 of `small` live; and a session with a key."""
    monkeypatch.setenv("DATABASE_URL", postgres_database)
    models = shutil.copytree(models_dir, tmp_path / "models")
    services = Services(load_settings({"MODELS_DIR": str(models)}))
    upgrade(services.database)
    make_all_live(models, services.database)
    services.catalog.set_live("small", "1", by="tests")
    session = requests.Session()
    session.headers["X-API-Key"] = make_key(*SCOPES)
    others = shutil.copytree(models, tmp_path / "others")
    with (
        serving(models, tmp_path / "one.log", workers=4) as one,
        serving(others, tmp_path / "other.log", workers=1) as other,
    ):
        yield one, other, session, services
    services.database.close()


def post(session, server, address, body):
    answer = session.post(server.url + address, json=body, timeout=30)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def test_two_machines_agree(machines, models_dir):
    """A customer always gets the same version; under load, a restart of workers and another live version, no answer is
    wrong; the log lines name the variant.
    """
    one, other, session, services = machines
    body = {"model": "small", "challenger": "2", "mode": "ab", "share": 0.5}
    started = services.experiments.get(post(session, one, EXPERIMENTS, body)["id"])
    time.sleep(FOLLOWS_WITHIN)
    expected = {record["customer_id"]: started.variant_for(record["customer_id"]) for record in SENT}
    models = {version: load_model(models_dir / "small" / version) for version in ("1", "2")}
    batch = models["1"].reader.read_rows([CUSTOMER], 1, lambda index, path: path)
    probabilities = {version: model.score(batch.columns)[0] for version, model in models.items()}
    answers, stop = [], threading.Event()

    def ask(number):
        while not stop.is_set():
            record = SENT[number := (number + 7) % len(SENT)]
            answers.append(post(session, (one, other)[number % 2], PREDICT, record))

    for server in (one, other):
        rows = post(session, server, BATCH, {"customers": SENT})["predictions"]
        assert {row["customer_id"]: row["variant"] for row in rows} == expected
    with ThreadPoolExecutor(4) as clients:
        running = [clients.submit(ask, number) for number in range(4)]
        try:
            time.sleep(1)
            os.kill(one.process.pid, signal.SIGHUP)
            time.sleep(2)
            session.put(f"{other.url}/api/v1/models/small/live", json={"version": "2"}, timeout=30)
            time.sleep(FOLLOWS_WITHIN)
            after = len(answers)
            time.sleep(0.5)
        finally:
            stop.set()
        for each in running:
            each.result()
    during = [answer for answer in answers if "variant" in answer]
    assert len(during) > 50
    for answer in answers:
        assert answer["churn_probability"] == probabilities[answer["model_version"]]
        assert answer["threshold"] == models[answer["model_version"]].card.policy.threshold
    for answer in during:
        assert answer["variant"] == expected[answer["customer_id"]]
        assert answer["model_version"] == {"control": "1", "challenger": "2"}[answer["variant"]]
    assert {(answer["model_version"], answer.get("variant")) for answer in answers[after + 8 :]} == {("2", None)}
    assert services.experiments.get(started.id).reason == "version 2 was made live"
    answered_by = one if during[0]["request_id"] in one.log else other
    line = answered_by.line_of(during[0]["request_id"])
    assert (line["variant"], line["version"]) == (during[0]["variant"], during[0]["model_version"])


def test_a_canary_on_two_machines(machines, tmp_path):
    """A challenger whose probabilities are others is stopped by the counts of both machines; both answer without it."""
    one, other, session, services = machines
    table = customers(300)
    table["Churn"] = np.where(table["Churn"] == "Yes", "No", "Yes")
    inverted = write_csv(table, tmp_path / "inverted.csv")
    version = train_on(inverted, tmp_path / "models", "small").version
    shutil.copytree(tmp_path / "models" / "small" / version, tmp_path / "others" / "small" / version)
    post(session, one, "/api/v1/models", {"path": f"small/{version}"})
    body = {"model": "small", "challenger": version, "mode": "canary", "share": 0.9}
    started = post(session, one, EXPERIMENTS, body)
    time.sleep(FOLLOWS_WITHIN)
    sent = [json.loads(row.dropna().to_json()) for _, row in customers(260, seed=5).drop(columns="Churn").iterrows()]
    for server in (one, other):
        for first in range(0, 260, 65):
            post(session, server, BATCH, {"customers": sent[first : first + 65]})
    until(lambda: not services.experiments.get(started["id"]).running)
    stopped = session.get(f"{other.url}{EXPERIMENTS}/{started['id']}", timeout=30).json()
    assert stopped["stopped_by"] == "canary rules"
    assert stopped["evidence"]["rule"] == "difference"
    assert stopped["evidence"]["records"] >= 200
    until(lambda: "variant" not in post(session, other, PREDICT, SENT[0]))
