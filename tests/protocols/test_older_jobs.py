"""The older addresses of jobs: submitted by a path, followed by a loop, delivered to a path."""

import pytest
from builders import customers

from churn_api.app import create_app
from churn_api.telemetry.job_metrics import JobMetrics
from churn_api.web.core.app_services import services_of

SUBMIT = "/api/v1/predict-async"


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / "data"
    (folder / "in").mkdir(parents=True)
    customers(20).drop(columns="Churn").to_csv(folder / "in" / "march.csv", index=False)
    return folder


@pytest.fixture
def app(models_dir, data_dir):
    return create_app({"MODELS_DIR": str(models_dir), "DATA_DIR": str(data_dir), "TESTING": True})


def work(app):
    """Do one job, as a worker would."""
    services = services_of(app)
    services.jobs.worker(JobMetrics()).work(services.jobs.queue.claim("test"))


def submit(client, **members):
    body = {"data_path": "in/march.csv", "output_path": "out/march.parquet", "model_name": "small"} | members
    return client.post(SUBMIT, json={name: value for name, value in body.items() if value is not None})


def states(client, job):
    status, task = client.get(f"/api/v1/jobs/{job}/status"), client.get(f"/tasks/{job}")
    assert (status.json["job_id"], task.json["task_id"]) == (job, job)
    assert status.json["status"] == task.json["status"]
    assert status.headers["Link"] == f'</api/v1/jobs/{job}>; rel="successor-version"'
    return status.json


def test_from_path_to_path(app, client, data_dir):
    """A job goes from queued to completed, and its result is the same file at the job and at the output path."""
    queued = submit(client)
    assert (queued.status_code, queued.json["status"]) == (202, "queued")
    job = queued.json["job_id"]
    assert queued.headers["Location"] == f"/api/v1/jobs/{job}"
    assert states(client, job)["status"] == "queued"
    work(app)
    assert states(client, job) == {"job_id": job, "status": "completed", "progress": 100.0, "error": None}
    result = client.get(f"/api/v1/jobs/{job}/result", buffered=True)
    assert result.mimetype == "application/vnd.apache.parquet"
    assert (data_dir / "out" / "march.parquet").read_bytes() == result.data


def test_running(app, client):
    """A job that a worker has claimed is `processing`."""
    job = submit(client).json["job_id"]
    services_of(app).jobs.queue.claim("test")
    assert states(client, job)["status"] == "processing"


def test_without_an_output(app, client):
    """Without an output path the result is at the job alone, in the format of the input."""
    job = submit(client, output_path=None).json["job_id"]
    work(app)
    assert client.get(f"/api/v1/jobs/{job}/result", buffered=True).mimetype == "text/csv"


def test_failed(app, client, data_dir):
    """A job that fails says why; a cancelled one is failed, too."""
    job = submit(client).json["job_id"]
    (data_dir / "out").mkdir()
    (data_dir / "out" / "march.parquet").write_bytes(b"another's")
    work(app)
    assert states(client, job)["status"] == "failed"
    assert states(client, job)["error"] == "there is a file already"
    assert (data_dir / "out" / "march.parquet").read_bytes() == b"another's"
    cancelled = submit(client, output_path=None).json["job_id"]
    client.delete(f"/api/v1/jobs/{cancelled}")
    assert states(client, cancelled)["error"] == "the job was cancelled"


def test_faults(client):
    """All faults of a body are listed, each with its member, and no path is repeated."""
    answer = submit(client, data_path="in/none.csv", output_path="../secret.txt")
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [
        ("#/data_path", "unusable"),
        ("#/output_path", "required"),
        ("#/output_path", "unusable"),
    ]
    assert "secret" not in answer.text
    assert submit(client, model_name="smal").json["code"] == "unknown-model"


def test_errors_as_older_clients_read_them(client):
    """An error has `error` and `detail` beside the problem's members; one of a present address has no `error`."""
    older = client.get("/tasks/none").json
    assert (older["error"], older["code"]) == (older["title"], "unknown-job")
    assert older["detail"]
    assert "error" not in client.get("/api/v1/jobs/none").json
