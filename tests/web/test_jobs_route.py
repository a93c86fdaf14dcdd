"""Jobs over HTTP: submitted, shown, downloaded, cancelled, and private to their owner."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from builders import customers
from test_errors import assert_problem

from churn_api.app import create_app
from churn_api.telemetry.job_metrics import JobMetrics
from churn_api.web.core.app_services import services_of

JOBS = "/api/v1/jobs"


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("tenure\n1\n")
    (folder / "customers.csv").write_bytes(table(20))
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    return folder


@pytest.fixture
def app(models_dir, data_dir):
    return create_app({"MODELS_DIR": str(models_dir), "DATA_DIR": str(data_dir), "TESTING": True})


def table(rows, seed=1):
    return customers(rows, seed).drop(columns="Churn").to_csv(index=False).encode()


def submit(client, data=None, name="customers.csv", headers=None, **fields):
    file = (io.BytesIO(table(50) if data is None else data), name)
    return client.post(JOBS, data={"model": "small", "file": file} | fields, headers=headers or {})


def work(app):
    """Do one job, as a worker would."""
    services = services_of(app)
    services.jobs.worker(JobMetrics()).work(services.jobs.queue.claim("test"))


def done(app, client, **options):
    queued = submit(client, **options)
    assert queued.status_code == 202, queued.text
    work(app)
    return client.get(queued.headers["Location"]).json


def test_from_upload_to_result(app, client):
    """An upload returns its job at once, and the result has every row with the probability of the predict route."""
    queued = submit(client)
    assert queued.status_code == 202
    assert queued.json["state"] == "queued"
    assert queued.headers["Location"] == queued.json["links"]["self"]
    work(app)
    job = client.get(queued.headers["Location"]).json
    assert (job["state"], job["rows"], job["bad_rows"], job["percent"]) == ("succeeded", 50, 0, 100.0)
    result = client.get(job["links"]["result"], buffered=True)
    assert result.mimetype == "text/csv"
    at_once = client.post("/api/v1/batch-predict/small", data=table(50), content_type="text/csv", buffered=True)
    assert result.data == at_once.data
    assert len(result.data) == job["result_bytes"]


def test_by_path(app, client):
    """A file below the data folder is scored by its path."""
    queued = client.post(JOBS, json={"source": "customers.csv", "model": "small", "result_format": "ndjson"})
    work(app)
    result = client.get(f"{JOBS}/{queued.json['id']}/result", buffered=True)
    assert result.mimetype == "application/x-ndjson"
    assert len(result.data.splitlines()) == 20


@pytest.mark.parametrize(
    "source",
    [
        "../secret.csv",
        "/etc/passwd",
        "link.csv",
        "nowhere.csv",
        ".",
        "a\0b.csv",
        "s3://bucket/customers.csv",
        "file:///etc/passwd",
        "http://127.0.0.1/customers.csv",
        "x" * 1024,
    ],
)
def test_sources_that_may_not_be_read(client, source):
    """No path outside the data folder and no other URL than configured is read; the response names neither."""
    answer = client.post(JOBS, json={"source": source, "model": "small", "format": "csv"})
    problem = assert_problem(answer, 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "#/source"
    assert source == "." or source not in answer.text


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"threshold": "2"}, "#/threshold"),
        ({"on_error": "ignore"}, "#/on_error"),
        ({"format": "xls"}, "#/format"),
        ({"result_format": "xls"}, "#/result_format"),
        ({"modle": "small"}, "#/modle"),
        ({"name": "customers.dat"}, "#/format"),
    ],
)
def test_requests_that_are_not_valid(client, fields, pointer):
    """An invalid request is a 422 that points to the invalid member, and nothing is queued."""
    problem = assert_problem(submit(client, **fields), 422, "validation-failed")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert client.get(JOBS).json["count"] == 0


def test_no_file(client):
    """A form without its file, and a body without a source, say what is missing."""
    form = client.post(JOBS, data={"model": "small"}, content_type="multipart/form-data; boundary=x")
    assert assert_problem(form, 422, "validation-failed")["errors"][0]["pointer"] == "#/file"
    body = client.post(JOBS, json={"model": "small"})
    assert assert_problem(body, 422, "validation-failed")["errors"][0]["pointer"] == "#/source"


def test_unknown_model(client, app):
    """An unknown model or version is refused at once, and no file stays."""
    assert_problem(submit(client, model="nobody"), 404, "unknown-model")
    assert_problem(submit(client, version="9"), 404, "unknown-version")
    assert not list(services_of(app).jobs.folder.glob("*/input"))


def test_too_large(models_dir, make_key):
    """An upload beyond MAX_JOB_BYTES is refused with the limit."""
    app = create_app({"MODELS_DIR": str(models_dir), "MAX_JOB_BYTES": 1000, "TESTING": True})
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key("jobs")
    assert "1000" in assert_problem(submit(client), 413, "too-large")["detail"]


def test_quotas(models_dir, make_key):
    """A key with too many jobs or bytes in the queue gets 429 `quota-exceeded`; other keys are not affected."""
    chosen = {"MAX_QUEUED_JOBS": 2, "MAX_QUEUED_BYTES": 2 * len(table(20))}
    app = create_app({"MODELS_DIR": str(models_dir), "TESTING": True, **chosen})
    client = app.test_client()
    mine, other = ({"X-API-Key": make_key("jobs", name=name)} for name in ("mine", "other"))
    large = assert_problem(submit(client, data=table(60), headers=mine), 429, "quota-exceeded")
    assert "MAX_QUEUED_BYTES" in large["detail"]
    first = submit(client, data=table(20), headers=mine | {"Idempotency-Key": "k"}).json["id"]
    submit(client, data=table(2), headers=mine)
    refused = submit(client, data=table(2), headers=mine)
    assert "MAX_QUEUED_JOBS" in assert_problem(refused, 429, "quota-exceeded")["detail"]
    assert int(refused.headers["Retry-After"]) > 0
    assert submit(client, data=table(20), headers=mine | {"Idempotency-Key": "k"}).json["id"] == first
    assert submit(client, data=table(20), headers=other).status_code == 202
    assert client.delete(f"{JOBS}/{first}", headers=mine).status_code == 200
    assert submit(client, data=table(2), headers=mine).status_code == 202
    assert len(list(services_of(app).jobs.folder.glob("*/input"))) == 3


def test_bad_rows_fail_it(app, client):
    """With on_error=fail a bad row fails the job, says how many there are, and lists them by row, line and column."""
    data = table(30).replace(b"\nC00005,", b"\nC00005,x", 1)
    job = done(app, client, data=data)
    assert (job["state"], job["reason"]["code"]) == ("failed", "validation-failed")
    assert "result" not in job["links"]
    (error,) = [json.loads(line) for line in client.get(job["links"]["errors"], buffered=True).data.splitlines()]
    assert (error["row"], error["line"], error["column"], error["code"]) == (7, 7, "tenure", "wrong-type")
    assert_problem(client.get(f"{JOBS}/{job['id']}/result"), 409, "conflict")


def test_bad_rows_skipped(app, client):
    """With on_error=skip a bad row has no scores, and the others have theirs."""
    data = table(30).replace(b"\nC00005,", b"\nC00005,x", 1)
    job = done(app, client, data=data, on_error="skip")
    assert (job["state"], job["rows"], job["bad_rows"]) == ("succeeded", 30, 1)
    lines = client.get(job["links"]["result"], buffered=True).data.splitlines()
    assert lines[6].endswith(b",,,")
    assert sum(line.endswith(b",,,") for line in lines) == 1


def test_broken_table(app, client):
    """A malformed file fails the job with the reason."""
    job = done(app, client, data=b"PAR1 and no more", name="customers.parquet")
    assert (job["state"], job["reason"]["code"]) == ("failed", "malformed-table")


def test_missing_column(app, client):
    """A file without a required column fails the job with the column's name and a hint."""
    job = done(app, client, data=table(5).replace(b"tenure", b"tenur", 1))
    assert job["reason"]["code"] == "validation-failed"
    assert "'tenure'" in job["reason"]["detail"]
    assert "did you mean" in job["reason"]["detail"]


def test_keep(app, client):
    """`keep` repeats columns of the input in the result."""
    job = done(app, client, keep="Contract,tenure")
    header = client.get(job["links"]["result"], buffered=True).data.splitlines()[0]
    assert header.replace(b'"', b"") == b"customer_id,Contract,tenure,churn_prediction,churn_probability,risk_band"


def test_range(app, client):
    """A part of a result is fetched by `Range`, and one beyond its end is 416."""
    job = done(app, client)
    complete = client.get(job["links"]["result"], buffered=True).data
    part = client.get(job["links"]["result"], buffered=True, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, complete[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(complete)}"
    beyond = client.get(job["links"]["result"], buffered=True, headers={"Range": f"bytes={len(complete) + 5}-"})
    assert_problem(beyond, 416, "range-not-satisfiable")


def test_same_key_same_job(app, client):
    """The same Idempotency-Key returns the same job for the same request, and 409 for another."""
    headers = {"Idempotency-Key": "monday"}
    first, again = submit(client, headers=headers), submit(client, headers=headers)
    assert first.json["id"] == again.json["id"]
    assert_problem(submit(client, data=table(51), headers=headers), 409, "conflict")
    assert_problem(submit(client, threshold="0.5", headers=headers), 409, "conflict")
    assert client.get(JOBS).json["count"] == 1
    assert len(list(services_of(app).jobs.folder.iterdir())) == 1


def test_same_key_at_once(app, make_key):
    """Of many callers with one Idempotency-Key at the same moment, all get the same job."""
    key = make_key("jobs", name="crm")

    def send(_):
        headers = {"Idempotency-Key": "monday", "X-API-Key": key}
        return submit(app.test_client(), headers=headers).json["id"]

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(8)))) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_keys_that_cannot_be(client, key):
    """An Idempotency-Key that is empty, too long or not printable is refused."""
    assert_problem(submit(client, headers={"Idempotency-Key": key}), 400, "bad-request")


def test_private(app, make_key):
    """Only the key that created a job can show, download and cancel it."""
    mine, other = ({"X-API-Key": make_key("jobs", name=name)} for name in ("mine", "other"))
    client = app.test_client()
    job = submit(client, headers=mine).json["id"]
    for method, path in (("GET", ""), ("GET", "/result"), ("GET", "/errors"), ("DELETE", "")):
        answer = client.open(f"{JOBS}/{job}{path}", method=method, headers=other)
        assert_problem(answer, 404, "unknown-job")
    assert client.get(JOBS, headers=other).json["count"] == 0
    assert client.get(JOBS, headers=mine).json["count"] == 1


def test_the_same_key_for_two_owners(app, make_key):
    """Idempotency-Keys of different callers are independent."""
    mine, other = ({"X-API-Key": make_key("jobs", name=name), "Idempotency-Key": "x"} for name in ("mine", "other"))
    client = app.test_client()
    assert submit(client, headers=mine).json["id"] != submit(client, headers=other).json["id"]


def test_cancel(app, client):
    """A queued job is cancelled at once and its files are removed; a finished one is 409."""
    job = submit(client).json["id"]
    assert client.delete(f"{JOBS}/{job}").json["state"] == "cancelled"
    assert not (services_of(app).jobs.folder / job).exists()
    assert_problem(client.delete(f"{JOBS}/{job}"), 409, "conflict")
    assert_problem(client.get(f"{JOBS}/{job}/result"), 409, "conflict")


@pytest.mark.parametrize("job", ["nothing", "..%2f..%2fetc", "0" * 32, "a" * 5000])
def test_unknown_job(client, job):
    """An unknown job id is 404, whatever it looks like."""
    for path in ("", "/result", "/errors"):
        assert client.get(f"{JOBS}/{job}{path}").status_code == 404


def test_list(app, client):
    """Jobs are listed newest first, filtered by `state`, and at most `limit`."""
    ids = [submit(client).json["id"] for _ in range(3)]
    work(app)
    assert [job["id"] for job in client.get(JOBS).json["jobs"]] == ids[::-1]
    assert [job["id"] for job in client.get(f"{JOBS}?state=succeeded").json["jobs"]] == ids[:1]
    assert [job["id"] for job in client.get(f"{JOBS}?limit=1").json["jobs"]] == ids[2:]
    assert_problem(client.get(f"{JOBS}?state=lost"), 422, "validation-failed")


def test_version_is_kept(app, client):
    """A job uses the version that was live when it was submitted."""
    client.put("/api/v1/models/small/live", json={"version": "1"})
    queued = submit(client)
    client.put("/api/v1/models/small/live", json={"version": "2"})
    work(app)
    result = client.get(f"{queued.headers['Location']}/result", buffered=True).data
    pinned = client.post(
        "/api/v1/batch-predict/small?version=1", data=table(50), content_type="text/csv", buffered=True
    )
    assert result == pinned.data
    assert client.get(queued.headers["Location"]).json["version"] == "1"


def test_queue_depth_in_status(app, client):
    """The status has the number of queued and running jobs, and how long the oldest has waited."""
    submit(client)
    jobs = client.get("/api/v1/status").json["jobs"]
    assert jobs["queued"] == 1
    assert jobs["running"] == 0
    assert jobs["oldest_seconds"] >= 0


def test_disk_full(app, client, monkeypatch):
    """An upload that does not fit on the disk is 503, and no part of it stays."""
    import os

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert_problem(submit(client), 503, "dependency-unavailable")
    assert not list(services_of(app).jobs.folder.glob("*"))
    monkeypatch.undo()
