"""Small inputs that failed in the past. They are not part of the project, and are used where they are available."""

import json
import shutil
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from builders import write_csv
from click.testing import CliRunner
from conftest import ROOT, make_all_live, train_on
from office import until, working
from sklearn.linear_model import LogisticRegression

from churn_api.access.caller import SCOPES
from churn_api.cli import main
from churn_api.contract.signature import Target
from churn_api.registry.bundle import read_card
from churn_api.store.database import Database
from churn_api.tables.inference import infer_signature
from churn_api.tables.training_table import read_table, to_columns, to_records

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


TRAINED = [
    (
        "bigint.csv",
        {"acct": None, "acct18": None, "few": None},
        ["'acct18' looks like an identifier", "--include 'few'"],
    ),
    ("p_i64big.parquet", {"v": None}, ["'v' looks like an identifier", "--include 'v'"]),
    ("idfloat.csv", {"CustomerID": None}, ["'CustomerID' looks like an identifier", "--id 'CustomerID'"]),
    ("unnamed_index.csv", {"": None}, ["column 1 has no name"]),
    ("choices_space.csv", {"plan": "string"}, ["differ by the spaces around them: read as one"]),
    ("currency.csv", {"price": "number", "eur": "number"}, ["'price' has numbers with $", "'eur' has numbers with €"]),
    ("percent.csv", {"discount": "integer", "rate": "number"}, ["'rate' has numbers with %"]),
    ("miss_NA.csv", {"v": "number"}, ["'v' has 'NA' in 18 cells", "--missing"]),
    ("na14.csv", {"v": "number"}, ["'v' has 'NA' in 18 cells", "--missing"]),
    ("few_qm.csv", {"v": "number"}, ["'v' has '?' in 1 cell", "--missing"]),
    (
        "dates.csv",
        {"signup": "date", "last": "date"},
        ["in 'signup', 'last' is 2023-12-28: dates count as days before it"],
    ),
    ("p_ts_few_us.parquet", {"v": "date"}, ["--as-of DAY"]),
    ("p_ts_few_ns.parquet", {"v": "date"}, ["--as-of DAY"]),
    ("semicolon.csv", {"fee": "number"}, ["semicolons between its columns"]),
    ("semicolon_comma_decimal.csv", {"fee": "number"}, ["semicolons", "'fee' has decimal commas"]),
    ("utf16.csv", {"fee": "number"}, ["byte order mark of utf-16"]),
    ("tgt_float.csv", {"churn": None}, []),
    ("median_on_edge.csv", {"delta": "number"}, []),
]
"""Tables that are trained on: features and their types, None where there is no such feature; parts of remarks."""
REFUSED = [
    ("exp_hex.csv", [], ["row 2, column 'u'", "row 2, column 'big'"]),
    ("p_fsb.parquet", [], ["column 3 holds no single values", "--exclude 'v'"]),
    ("headerless.csv", [], ["columns 1 and 3 have the same name"]),
    ("longname.csv", [], ["column 3: its name has 129 characters", "--exclude"]),
    ("title_row.csv", [], ["line 2 like the header: --skip-rows 1 takes it"]),
    ("three_labels.csv", ["--target", "churn_flag"], ["'Attrited' (60 rows)", "--positive A,B", "--drop-label D"]),
]
"""Tables that are refused: options, and parts of the error."""
REMEDIES = [
    ("exp_hex.csv", ["--text", "u", "--exclude", "big"]),
    ("title_row.csv", ["--skip-rows", "1"]),
    (
        "three_labels.csv",
        [
            "--target",
            "churn_flag",
            "--positive",
            "Attrited",
            "--drop-label",
            "Internal event (customer activity) variable",
        ],
    ),
]


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Run the command in a folder of its own."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(tmp_path / "models"))

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def train(command):
    """Train on a file, on the column `churn` unless another target is named."""

    def run(path, *options):
        target = [] if "--target" in options else ["--target", "churn"]
        return command("train", path, *target, *options, "--estimator", "logistic", "--json")

    return run


@pytest.mark.parametrize(("name", "types", "remarks"), TRAINED)
def test_trained_and_scored_alike(train, command, cases, tmp_path, name, types, remarks):
    """A table is trained on as its user means it, with remarks, and the same file is scored: every row."""
    done = train(cases / name)
    assert done.exit_code == 0, done.stderr
    printed = json.loads(done.stdout)
    card = read_card(tmp_path / "models" / "default" / "1")
    found = {feature.name: feature.type for feature in card.signature.features}
    assert {column: found.get(column) for column in types} == types
    for part in remarks:
        assert part in " ".join(printed["warnings"])
    assert card.parity.proven
    scored = command("score", cases / name, "-o", tmp_path / "scored.csv")
    assert scored.exit_code == 0, scored.stderr
    assert pd.read_csv(tmp_path / "scored.csv")["churn_probability"].notna().sum() == printed["rows"]


@pytest.mark.parametrize(("name", "options", "parts"), REFUSED)
def test_refused_with_a_remedy(train, cases, name, options, parts):
    """A table that cannot be used is refused in one line that says where and what to do."""
    done = train(cases / name, *options)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert (done.exit_code, done.stdout) == (2, "")
    for part in parts:
        assert part in line


@pytest.mark.parametrize(("name", "options"), REMEDIES)
def test_remedies(train, cases, name, options):
    """What the error says makes the table usable."""
    done = train(cases / name, *options)
    assert done.exit_code == 0, done.stderr


def test_unreadable_column_left_out(train, cases):
    """A column of a type that cannot be read can be left out."""
    assert train(cases / "p_fsb.parquet", "--exclude", pq.read_schema(cases / "p_fsb.parquet").names[2]).exit_code == 0


def test_long_name_left_out(train, cases):
    """A column whose name is too long for a feature can be left out."""
    name = pd.read_csv(cases / "longname.csv").columns[2]
    assert train(cases / "longname.csv", "--exclude", name).exit_code == 0


def test_units_of_time(cases):
    """The same instants in two units are the same records, and one model scores them alike."""
    tables = [read_table(cases / f"p_ts_few_{unit}.parquet") for unit in ("us", "ns")]
    signature = infer_signature(tables[0], Target(name="churn", positive="1", negative="0"), None)
    assert list(to_records(tables[0], signature)) == list(to_records(tables[1], signature))
    first, second = (to_columns(table, signature) for table in tables)
    assert np.array_equal(first.numbers, second.numbers)


def test_golden_table_that_cannot_be_scored(command, cases, tmp_path):
    """`package` refuses a golden row that the pipeline cannot score, by its number and what it lacks."""
    frame = pd.DataFrame({"a": np.arange(60.0)})
    joblib.dump(LogisticRegression().fit(frame, np.arange(60) % 2), tmp_path / "noimp.joblib")
    signature = cases / "noimp_signature.json"
    done = command("package", tmp_path / "noimp.joblib", "--signature", signature, "--golden", cases / "noimp.csv")
    assert done.exit_code == 2
    assert "cannot score row 5 of noimp.csv, which lacks 'a'" in done.stderr
    assert "Traceback" not in done.output


def test_every_case_is_tried(cases):
    """No file of the folder is without a test."""
    tried = {name for name, *_ in (*REQUESTS, *JOBS, *TRAINED, *REFUSED)} | {"README.md"}
    together = {"noimp.csv", "noimp_signature.json", "fit_noimp.py"}
    assert {path.name for path in cases.iterdir()} == tried | together
