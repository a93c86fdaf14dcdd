"""Small inputs that failed in the past. They are not part of the project, and are used where they are available."""

import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from builders import write_csv
from conftest import ROOT, make_all_live, train_on
from office import until, working

from churn_api.access.caller import SCOPES
from churn_api.store.database import Database

CASES = ROOT.parent / "shared" / "cases"
LIMIT_SECONDS = 10
"""On a machine that does much else besides; alone each takes well under one."""
LIMIT_BYTES = 150_000_000
BATCH = "/api/v1/batch-predict"
BOMB = "parquet-id-dict-bomb-52k.parquet"
JSON = {"Content-Type": "application/json"}
GZIPPED = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
PARQUET = {"Content-Type": "application/vnd.apache.parquet"}
CSV = {"Content-Type": "text/csv"}
REQUESTS = [
    *[
        (name, route, JSON, {400})
        for name in ("invalid-utf8-in-a-name.json", "invalid-utf8-in-a-value.json")
        for route in ("/api/v1/predict", BATCH, "/api/v1/jobs", "/api/v1/models", "/api/v1/token")
    ],
    ("ndjson-100k-empty.gz", BATCH, GZIPPED, {413}),
    ("ndjson-100k-empty.gz", f"{BATCH}?on_error=skip", GZIPPED, {413}),
    (BOMB, BATCH, PARQUET, {413, 422}),
    (BOMB, f"{BATCH}?keep=all&on_error=skip", PARQUET, {413, 422}),
    ("parquet-nul-column.parquet", BATCH, PARQUET, {400, 422}),
    ("headerless.csv", BATCH, CSV, {400, 422}),
]
JOBS = [
    ("invalid-utf8-in-a-name.json", "ndjson", "default", "validation-failed"),
    ("invalid-utf8-in-a-value.json", "ndjson", "default", "validation-failed"),
    ("ndjson-100k-empty.gz", "ndjson", "default", "validation-failed"),
    (BOMB, "parquet", "default", "validation-failed"),
    (BOMB, "parquet", "bombed", "too-large"),
    ("parquet-nul-column.parquet", "parquet", "default", "malformed-table"),
    ("headerless.csv", "csv", "default", "malformed-table"),
]
"""Each with its format, a model, and the code that the job fails with."""
ALL_BAD = {"invalid-utf8-in-a-name.json": 1, "invalid-utf8-in-a-value.json": 1, "ndjson-100k-empty.gz": 100_000}
"""Rows of those that are tables, each of whose rows is bad."""
JOB_SECONDS = 120


@pytest.fixture(scope="module")
def cases() -> Path:
    if not CASES.exists():
        pytest.skip("the small inputs that failed in the past are missing (shared/cases)")
    return CASES


@pytest.fixture
def with_bombed(models_dir, cases, tmp_path, instance) -> Path:
    """The same models, live, and `bombed`, which has the columns of the bomb: none of them is unknown to it."""
    folder = tmp_path / "models"
    shutil.copytree(models_dir, folder)
    rng, rows = np.random.default_rng(1), 300
    columns = {
        field.name: rng.choice(["a", "b"], rows) if pa.types.is_string(field.type) else rng.integers(0, 2, rows)
        for field in pq.read_schema(cases / BOMB)
        if field.name != "customer_id"
    }
    label = np.where(rng.random(rows) < 0.3, "Yes", "No")
    write_csv(pd.DataFrame(columns).assign(Churn=label), tmp_path / "bombed.csv")
    train_on(tmp_path / "bombed.csv", folder, "bombed", identifier=None)
    database = Database(f"sqlite:///{instance / 'churn.db'}")
    make_all_live(folder, database)
    database.close()
    return folder


def test_requests(serve, models_dir, make_key, cases):
    """Each is rejected with the expected code, quickly, briefly, without quoting it, and with little memory."""
    key = make_key(*SCOPES)
    with serve(models_dir, workers=1) as server:
        (worker,) = server.workers()
        before = psutil.Process(worker).memory_info().rss
        for name, route, headers, wanted in REQUESTS:
            body, started = (cases / name).read_bytes(), time.monotonic()
            answer = requests.post(server.url + route, body, headers=headers | {"X-API-Key": key}, timeout=60)
            assert answer.status_code in wanted, (name, route, answer.text[:300])
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert time.monotonic() - started < LIMIT_SECONDS, (name, route)
            assert len(answer.content) < 300_000, (name, route)
        assert grown(worker, before) < LIMIT_BYTES
        assert server.workers() == [worker]
        assert "Traceback" not in server.log
        values = (cases / "headerless.csv").read_text().replace("\n", ",").split(",")
        output = requests.post(
            server.url + BATCH, (cases / "headerless.csv").read_bytes(), headers=CSV | {"X-API-Key": key}, timeout=60
        )
        for value in filter(lambda text: len(text) > 3, values):
            assert value not in output.text
            assert value not in server.log


def grown(worker, before):
    return psutil.Process(worker).memory_info().rss - before


def test_a_bomb_of_known_columns(serve, with_bombed, make_key, cases):
    """It is too large for a model to which all of its columns are known, too."""
    headers = PARQUET | {"X-API-Key": make_key("predict")}
    with serve(with_bombed, workers=1) as server:
        (worker,) = server.workers()
        before = psutil.Process(worker).memory_info().rss
        for query in ("", "?keep=all", "?on_error=skip"):
            body = (cases / BOMB).read_bytes()
            answer = requests.post(f"{server.url}{BATCH}/bombed{query}", body, headers=headers, timeout=60)
            assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
        assert grown(worker, before) < LIMIT_BYTES
        assert server.workers() == [worker]


def test_jobs(serve, with_bombed, make_key, cases, tmp_path):
    """As jobs they fail once, soon, for a reason; rows that are skipped leave few faults; the worker grows little."""
    headers = {"X-API-Key": make_key("jobs")}
    log = tmp_path / "worker.log"
    with serve(with_bombed, workers=1) as server, working(with_bombed, log, CHURN_JOB_PROCESSES="1") as worker:

        def finished(name, **fields):
            sent = {"file": (name, (cases / name).read_bytes())}
            queued = requests.post(f"{server.url}/api/v1/jobs", files=sent, data=fields, headers=headers, timeout=60)
            assert queued.status_code == 202, queued.text
            url = server.url + queued.headers["Location"]
            until(lambda: requests.get(url, headers=headers, timeout=60).json()["finished_at"], JOB_SECONDS)
            job = requests.get(url, headers=headers, timeout=60).json()
            assert job["attempts"] == 1, job
            return job

        finished("headerless.csv", format="csv")  # loads what tables need
        before = psutil.Process(worker.process.pid).memory_info().rss
        for name, kind, model, code in JOBS:
            job = finished(name, format=kind, model=model)
            assert (job["state"], job["reason"]["code"]) == ("failed", code), (name, model, job)
        for name, rows in ALL_BAD.items():
            job = finished(name, format="ndjson", model="bombed", on_error="skip")
            assert (job["state"], job["rows"], job["bad_rows"]) == ("succeeded", rows, rows), name
            errors = requests.get(server.url + job["links"]["errors"], headers=headers, timeout=60)
            assert len(errors.content) < 11 << 20, name
        assert grown(worker.process.pid, before) < LIMIT_BYTES
        assert "Traceback" not in worker.log
