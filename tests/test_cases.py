"""Small inputs that once failed, which are not the project's to ship: posted where they lie beside it."""

import time
from pathlib import Path

import psutil
import pytest
import requests
from conftest import ROOT

from churn_api.access.caller import SCOPES

CASES = ROOT.parent / "shared" / "cases"
LIMIT_SECONDS = 10
"""On a machine that does much else besides; alone each takes well under one."""
LIMIT_BYTES = 150_000_000
BATCH = "/api/v1/batch-predict"
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
    ("parquet-id-dict-bomb-52k.parquet", BATCH, PARQUET, {413, 422}),
    ("parquet-id-dict-bomb-52k.parquet", f"{BATCH}?keep=all&on_error=skip", PARQUET, {413, 422}),
    ("parquet-nul-column.parquet", BATCH, PARQUET, {400, 422}),
    ("headerless.csv", BATCH, CSV, {400, 422}),
]


@pytest.fixture(scope="module")
def cases() -> Path:
    if not CASES.exists():
        pytest.skip("the small inputs that once failed are not beside the project (shared/cases)")
    return CASES


def test_requests(serve, models_dir, make_key, cases):
    """Each is refused as it should be, soon, in few words, without a value of it, by a worker that grows little."""
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
        assert psutil.Process(worker).memory_info().rss - before < LIMIT_BYTES
        assert server.workers() == [worker]
        assert "Traceback" not in server.log
        values = (cases / "headerless.csv").read_text().replace("\n", ",").split(",")
        told = requests.post(
            server.url + BATCH, (cases / "headerless.csv").read_bytes(), headers=CSV | {"X-API-Key": key}, timeout=60
        )
        for value in filter(lambda text: len(text) > 3, values):
            assert value not in told.text
            assert value not in server.log
