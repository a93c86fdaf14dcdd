"""Jobs by the client, synchronous and asynchronous, on a real server with its worker."""

import pyarrow as pa
import pytest
import requests
from builders import customers
from called_clients import KINDS, RudeProxy, client_of
from conftest import serving

from churn_client import ErrorResponse, InvalidRequest, JobNotSucceeded, NotThere

ROWS = 120


@pytest.fixture(scope="module")
def frame():
    return customers(ROWS).drop(columns="Churn")


@pytest.fixture(scope="module")
def file(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "customers.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def server(models_dir, database_of_models, file, tmp_path_factory):
    """A server that scores jobs, and may read the folder of the file."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "churn.db").write_bytes(database_of_models.read_bytes())
    settings = {
        "INSTANCE_DIR": folder,
        "AUTH": "open",
        "RATELIMIT_ENABLED": 0,
        "JOB_WORKER": 1,
        "DATA_DIR": file.parent,
        "MAX_QUEUED_JOBS": 1000,
    }
    environment = {f"CHURN_{name}": str(value) for name, value in settings.items()}
    with serving(models_dir, folder / "log", **environment) as server:
        yield server


@pytest.fixture(params=KINDS)
def client(request, server):
    with client_of(request.param, server.url) as client:
        yield client


def test_a_file(client, server, file, tmp_path):
    """A file is scored as a batch of its rows is, with the columns that are kept, and saved under a name."""
    job = client.jobs.wait(client.jobs.submit(file, model="small", keep=["Contract"], reasons=1), timeout=60)
    assert (job.state, job.rows, job.bad_rows, job.model) == ("succeeded", ROWS, 0, "small")
    saved = client.jobs.save(job, tmp_path / "scored.csv")
    url = f"{server.url}/api/v1/batch-predict/small?keep=Contract&reasons=1"
    answer = requests.post(url, data=file.read_bytes(), headers={"Content-Type": "text/csv"}, timeout=30)
    assert saved.read_bytes() == answer.content
    assert [path.name for path in tmp_path.iterdir()] == ["scored.csv"]


@pytest.mark.parametrize("result_format", [None, "csv", "ndjson", "parquet"])
def test_a_table(client, frame, result_format):
    """A DataFrame and an Arrow table are scored, and the result is an Arrow table whatever its format."""
    probabilities = []
    for table in (frame, pa.Table.from_pandas(frame, preserve_index=False)):
        job = client.jobs.submit(table, model="small", version=1, result_format=result_format)
        scored = client.jobs.table(client.jobs.wait(job.id, timeout=60))
        probabilities.append(scored["churn_probability"].to_pylist())
    alone = client.predict_many(frame, model="small", version=1)
    assert probabilities == [[*alone["churn_probability"]]] * 2


def test_a_workbook_is_saved_alone(client, frame):
    """A result that Arrow does not read is refused as a table, in words."""
    job = client.jobs.wait(client.jobs.submit(frame, model="small", result_format="xlsx"), timeout=60)
    with pytest.raises(ValueError, match="'xlsx' is no table here: save it"):
        client.jobs.table(job)


def test_a_source(client, file):
    """A file of the service's own is scored where it is."""
    job = client.jobs.submit_source(file.name, model="small", version=2, threshold=0.5, keep="all")
    assert client.jobs.table(client.jobs.wait(job, timeout=60)).num_rows == ROWS


def test_progress(client, file):
    """The states of a job come one after another, and the last one is final."""
    states = [*client.jobs.progress(client.jobs.submit(file, model="small"))]
    assert states[-1].state == "succeeded"
    assert not any(state.is_finished for state in states[:-1])
    assert [state.rows for state in states] == sorted(state.rows for state in states)


def test_bad_rows(client, frame):
    """A job with a bad row fails with its reason, or scores the others; either way the faults name their rows."""
    bad = frame.assign(Contract=frame["Contract"].mask(frame.index == 7, "never"))
    with pytest.raises(JobNotSucceeded, match=r"has failed \(validation-failed\)") as raised:
        client.jobs.wait(client.jobs.submit(bad, model="small"), timeout=60)
    skipped = client.jobs.wait(client.jobs.submit(bad, model="small", on_error="skip"), timeout=60)
    assert skipped.bad_rows == 1
    for job in (raised.value.job, skipped):
        assert [(fault.row, fault.column, fault.code) for fault in client.jobs.row_errors(job)] == [
            (8, "Contract", "not-a-choice")
        ]
    assert client.jobs.table(skipped)["churn_probability"].null_count == 1


def test_sent_twice(server, file):
    """A submission whose response is lost is sent again, and is one job; the same name and file are the same job."""
    for kind in KINDS:
        with (
            RudeProxy(server.port, lambda connections: connections == 1, loses_response=True) as proxy,
            client_of(kind, proxy.url) as client,
        ):
            before = {job.id for job in client_jobs(server)}
            job = client.jobs.submit(file, model="small", idempotency_key=f"march-{kind}")
            assert {job.id for job in client_jobs(server)} - before == {job.id}
            assert client.jobs.submit(file, model="small", idempotency_key=f"march-{kind}").id == job.id
            with pytest.raises(ErrorResponse) as raised:
                client.jobs.submit(file, model="default", idempotency_key=f"march-{kind}")
            assert (raised.value.status, raised.value.code) == (409, "conflict")
            assert client.jobs.submit(file, model="small").id != job.id


def client_jobs(server):
    with client_of("sync", server.url) as client:
        return client.jobs.list(limit=1000)


def test_listed_and_cancelled(serve, models_dir, file):
    """Jobs are listed by state; one that is cancelled has no result, and waiting for it is an error."""
    with serve(models_dir, workers=1) as server:
        for kind in KINDS:
            with client_of(kind, server.url) as client:
                job = client.jobs.submit(file, model="small")
                with pytest.raises(TimeoutError, match="queued, 0 % done"):
                    client.jobs.wait(job, timeout=0)
                assert job.id in {one.id for one in client.jobs.list(state="queued")}
                assert client.jobs.cancel(job).state == "cancelled"
                assert client.jobs.list(state="queued", limit=5) == []
                with pytest.raises(JobNotSucceeded, match="has been cancelled"):
                    client.jobs.wait(job)
                with pytest.raises(ErrorResponse):
                    client.jobs.table(job)


def test_refusals(client, file, tmp_path):
    """An unknown job, an option that is not valid and a file that is not there are errors, and leave no file."""
    with pytest.raises(NotThere):
        client.jobs.get("0" * 32)
    with pytest.raises(NotThere):
        client.jobs.save("0" * 32, tmp_path / "result.csv")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InvalidRequest) as raised:
        client.jobs.submit(file, model="small", on_error="sikp")
    assert [fault.pointer for fault in raised.value.faults] == ["#/on_error"]
    with pytest.raises(FileNotFoundError):
        client.jobs.submit(tmp_path / "nothing.csv")
