"""Workers as their operators run them, and everything that may happen to them in the middle of a job."""

import errno
import gzip
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psutil
import pyarrow as pa
import pytest
import requests
from builders import customers, write_csv
from office import Office, grouped, scored, until
from sqlalchemy import update
from table_files import parquet
from test_workers import own_postgres  # noqa: F401 - a fixture

from churn_api.jobs import worker as worker_module
from churn_api.jobs.job_limits import JobLimits
from churn_api.jobs.run import Resources
from churn_api.jobs.worker import Worker
from churn_api.serving.scoring_progress import Progress
from churn_api.store.schema import upgrade
from churn_api.store.tables import JOBS
from churn_api.tables.formats import FORMATS

SHARED = pa.Table.from_pandas(customers(1000).assign(Contract="x" * 1_000_000), preserve_index=False)
"""A thousand rows that have one long text."""


@pytest.fixture
def office(models_dir):
    office = Office(models_dir)
    yield office
    office.services.database.close()


@pytest.fixture
def log(tmp_path):
    return tmp_path / "worker.log"


@pytest.fixture(scope="module")
def many_blocks(tmp_path_factory):
    return grouped(tmp_path_factory.mktemp("tables") / "many.parquet", 120)


@pytest.fixture(scope="module")
def expected(many_blocks, models_dir):
    return scored(many_blocks, many_blocks.with_name("expected.csv"), models_dir)


@pytest.mark.parametrize("result_format", FORMATS)
def test_as_the_command(office, log, tmp_path, many_blocks, result_format):
    """A job's result is the bytes that `churn-api score` writes, and of its folder only result and faults stay."""
    files = office.put(many_blocks, result_format=result_format)
    with office.worker(log):
        job = office.finished()
        office.left("result", "errors.ndjson")
    assert (job.state, job.attempts, job.progress.rows, job.percent) == ("succeeded", 1, 48_000, 100)
    assert files.result.read_bytes() == scored(many_blocks, tmp_path / f"expected.{result_format}", office.models_dir)
    assert job.result_bytes == files.result.stat().st_size


def test_text_of_several_blocks(office, log, tmp_path):
    """A gzipped CSV of several blocks gives what the command makes of it, in one process and in two."""
    table = tmp_path / "large.csv.gz"
    rows = customers(2000).assign(note="x" * 5000).to_csv(index=False).encode()
    table.write_bytes(gzip.compress(rows, 1, mtime=0))
    for number, processes in enumerate(("1", "2")):
        files = office.put(table, f"job{number}", format="csv")
        with office.worker(log, CHURN_JOB_PROCESSES=processes):
            job = office.finished(f"job{number}")
        assert (job.state, job.progress.blocks) == ("succeeded", 3)
        assert files.result.read_bytes() == scored(table, tmp_path / "expected.csv", office.models_dir)


def test_killed_five_times(office, log, many_blocks, expected):
    """A worker and its processes are killed five times in mid-job, and the result is that of an undisturbed run."""
    chance = random.Random()  # noqa: S311 - moments of death
    files = office.put(many_blocks)
    for kill in range(5):
        with office.worker(log) as worker:
            until(lambda kill=kill: office.job().attempts == kill + 1)
            office.blocks(office.job().progress.blocks + chance.randint(0, 6))
            time.sleep(chance.random() / 20)
            worker.kill_all()
        assert office.job().state == "running"
        assert not files.result.exists()
    with office.worker(log):
        job = office.finished()
        office.left("result", "errors.ndjson")
    assert (job.state, job.attempts, job.progress.rows) == ("succeeded", 6, 48_000)
    assert files.result.read_bytes() == expected


def test_a_kill_leaves_no_process(office, log, many_blocks):
    """The processes of a worker that was killed end by themselves."""
    office.put(many_blocks)
    with office.worker(log) as worker:
        office.blocks(1)
        children = worker.children()
        assert len(children) == 2
        worker.process.kill()
        assert psutil.wait_procs(children, timeout=20)[1] == []


@pytest.mark.parametrize("whom", ["worker", "all"])
def test_stop(office, log, many_blocks, expected, whom):
    """On SIGTERM, to the worker or to its process group, it releases its job after a block, and exits with code 0.

    The attempt does not count, and the next worker continues from there.
    """
    files = office.put(many_blocks)
    with office.worker(log) as worker:
        office.blocks(2)
        worker.send_signal(signal.SIGTERM) if whom == "all" else worker.process.terminate()
        assert worker.process.wait(20) == 0
        job = office.job()
        assert (job.state, job.attempts) == ("queued", 0)
        assert 2 <= job.progress.blocks < 120
        assert "job one: the worker stops; the job is released" in worker.log
    with office.worker(log):
        assert office.finished().started_from == job.progress
    assert files.result.read_bytes() == expected


def test_idle_worker_stops(office, log):
    """A worker without a job ends on SIGTERM with code 0."""
    with office.worker(log) as worker:
        until(lambda: "waits for jobs" in worker.log)
        worker.process.terminate()
        assert worker.process.wait(20) == 0


def test_fifty_jobs(models_dir, tmp_path, monkeypatch, postgres_database, many_blocks):
    """Two workers on PostgreSQL do fifty jobs, each once, and both have their share."""
    monkeypatch.setenv("DATABASE_URL", postgres_database)
    office = Office(models_dir)
    upgrade(office.services.database)
    tables = [write_csv(customers(20 + number), tmp_path / f"{number}.csv") for number in range(50)]
    for number, table in enumerate(tables):
        office.put(table, f"job{number}")
    with office.worker(tmp_path / "first"), office.worker(tmp_path / "second"):
        jobs = [office.finished(f"job{number}") for number in range(50)]
        until(lambda: sum((tmp_path / name).read_text().count(": done, ") for name in ("first", "second")) == 50)
    assert {(job.state, job.attempts) for job in jobs} == {("succeeded", 1)}
    assert [job.progress.rows for job in jobs] == list(range(20, 70))
    assert all(office.files(job.id).result.read_bytes().count(b"\n") == job.progress.rows + 1 for job in jobs)
    assert len({job.worker for job in jobs}) == 2
    office.services.database.close()


def test_cancelled(office, log, many_blocks):
    """A running job that is cancelled stops, its files are removed, and the worker claims the next job."""
    files = office.put(many_blocks)
    office.put(many_blocks, "two")
    with office.worker(log) as worker:
        office.blocks(2)
        assert office.queue.cancel("one").state == "running"
        assert office.finished().state == "cancelled"
        assert office.finished("two").state == "succeeded"
        assert "job one: cancelled; its files are removed" in worker.log
    assert [path.name for path in files.folder.parent.iterdir()] == ["two"]


def test_version_is_kept(office, log, many_blocks, tmp_path):
    """A version that is made live while a job runs changes nothing of it."""
    expected = scored(many_blocks, tmp_path / "expected.csv", office.models_dir, version="2")
    office.services.open()
    files = office.put(many_blocks, version="2")
    with office.worker(log):
        office.blocks(2)
        office.services.catalog.set_live("small", "1", by="test")
        assert office.finished().state == "succeeded"
    assert files.result.read_bytes() == expected


@pytest.mark.parametrize("harm", ["changed", "gone", "another card"])
def test_bundle_is_not_what_it_was(models_dir, log, tmp_path, small_table, harm):
    """A job whose version was changed or removed after it was queued fails and says so, and leaves no result."""
    office = Office(shutil.copytree(models_dir, tmp_path / "models"))
    office.put(small_table)
    bundle = office.models_dir / "small" / "1"
    if harm == "gone":
        shutil.rmtree(bundle)
    else:
        changed = bundle / ("model.onnx" if harm == "changed" else "card.json")
        changed.write_bytes(changed.read_bytes() + b" ")
    with office.worker(log) as worker:
        job = office.finished()
        office.left()
        assert "job one failed (model-not-ready)" in worker.log
    assert (job.state, job.reason_code) == ("failed", "model-not-ready")
    assert str(tmp_path) not in job.reason
    office.services.database.close()


def bad_table(path):
    """Two bad rows, the first of which follows a cell of two lines."""
    rows = customers(6).assign(note="")
    rows.loc[1, "note"] = "two\nlines"
    rows = rows.astype({"tenure": object})
    rows.loc[2, "tenure"] = "long"
    rows.loc[4, "Contract"] = "none"
    return write_csv(rows, path)


FAULTS = [(4, 5, "tenure"), (6, 7, "Contract")]


def submitted(client, table, **fields):
    """Queue a job as clients do."""
    with table.open("rb") as file:
        return client.post("/api/v1/jobs", data={"file": (file, table.name), "model": "small", **fields}).json["id"]


def faults(client, job):
    actual = downloaded(client, job, "errors")
    return [(fault["row"], fault["line"], fault["column"]) for fault in actual]


def downloaded(client, job, what):
    with client.get(f"/api/v1/jobs/{job}/{what}") as answer:
        assert answer.status_code == 200
        return [json.loads(line) for line in answer.data.splitlines()]


def test_bad_rows_fail(client, office, log, tmp_path):
    """Where bad rows end a job, there is no result, and row, line and column of each can be downloaded."""
    job = submitted(client, bad_table(tmp_path / "bad.csv"))
    with office.worker(log):
        actual = office.finished(job)
        office.left("errors.ndjson", job=job)
    assert (actual.state, actual.reason_code) == ("failed", "validation-failed")
    assert actual.reason == "2 rows are not valid; nothing is scored because on_error is `fail`"
    assert client.get(f"/api/v1/jobs/{job}/result").status_code == 409
    assert faults(client, job) == FAULTS


def test_bad_rows_are_skipped(client, office, log, tmp_path):
    """Where bad rows are skipped, the others are scored, and bad rows stay in their positions without scores."""
    job = submitted(client, bad_table(tmp_path / "bad.csv"), on_error="skip", result_format="ndjson")
    with office.worker(log):
        actual = office.finished(job)
    assert (actual.state, actual.progress.rows, actual.progress.bad_rows) == ("succeeded", 6, 2)
    rows = downloaded(client, job, "result")
    assert [row["churn_probability"] is None for row in rows] == [False, False, True, False, True, False]
    assert faults(client, job) == FAULTS


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("cut.parquet", b"PAR1 and no more", "malformed-table"),
        ("cut.csv.gz", gzip.compress(b"a,b" * 1000, mtime=0)[:30], "malformed-table"),
        ("columns.csv", b"customerID,tenur\nC1,5\n", "validation-failed"),
        ("empty.csv", b"", "malformed-table"),
        ("picture.csv", b"\x89PNG\0\0", "malformed-table"),
        ("nul.parquet", parquet(pa.table({"tenur\0e": [5]})), "malformed-table"),
        ("shared.parquet", parquet(SHARED), "too-large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_broken_input(office, log, tmp_path, name, data, code):
    """A file that is not a table, or not for the model, fails its job with a reason that contains no path."""
    table = tmp_path / name
    table.write_bytes(data)
    office.put(table)
    with office.worker(log):
        job = office.finished()
        office.left()
    assert (job.state, job.reason_code, job.attempts) == ("failed", code, 1)
    assert "/" not in job.reason


@contextmanager
def small_disk(folder, size):
    """A separate small disk."""
    folder.mkdir()
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_disk_full(models_dir, log, tmp_path, many_blocks, monkeypatch, empty_database):
    """A job that the disk has no room for fails for that reason without a result, and leaves the room to others.

    The database is on the same disk, as it is where nothing is set.
    """
    with small_disk(tmp_path / "disk", "5m") as disk:
        shutil.copy(empty_database, disk)
        monkeypatch.setenv("CHURN_INSTANCE_DIR", str(disk))
        office = Office(models_dir)
        office.put(many_blocks, keep=None, result_format="ndjson")
        with office.worker(log):
            job = office.finished()
            assert (job.state, job.reason_code, job.reason) == ("failed", "disk-full", "No space left on device")
            office.left()
            office.put(many_blocks, "two", keep=[], result_format="parquet")
            assert office.finished("two").state == "succeeded"
        office.services.database.close()


@pytest.fixture
def on_postgres(models_dir, monkeypatch, own_postgres):  # noqa: F811
    """An office whose database is a server that can be stopped."""
    monkeypatch.setenv("DATABASE_URL", own_postgres.url)
    office = Office(models_dir)
    upgrade(office.services.database)
    yield office
    office.services.database.close()


def stop_midway(office, postgres, worker):
    """Stop the database in the middle of a job, until the worker has noticed."""
    office.blocks(2)
    postgres.stop()
    until(lambda: "the database is away" in worker.log)


def test_database_goes_and_comes_back(on_postgres, log, own_postgres, many_blocks, expected):  # noqa: F811
    """A job whose database is away for a while continues afterwards, and its result is the same."""
    files = on_postgres.put(many_blocks)
    with on_postgres.worker(log) as worker:
        stop_midway(on_postgres, own_postgres, worker)
        own_postgres.start()
        job = on_postgres.finished()
        assert "the database is back" in worker.log
    assert (job.state, job.attempts) == ("succeeded", 1)
    assert files.result.read_bytes() == expected


def test_stopped_without_its_database(on_postgres, log, own_postgres, many_blocks, expected):  # noqa: F811
    """A worker that is stopped while the database is away exits, and the next one continues when it is back."""
    files = on_postgres.put(many_blocks)
    with on_postgres.worker(log) as worker:
        stop_midway(on_postgres, own_postgres, worker)
        worker.process.terminate()
        assert worker.process.wait(30) == 0
        assert "the job continues when its lease has expired" in worker.log
    own_postgres.start()
    with on_postgres.worker(log):
        assert on_postgres.finished().state == "succeeded"
    assert files.result.read_bytes() == expected


def test_database_is_locked(office, log, instance, many_blocks, expected):
    """A SQLite file that another process holds locked for long stops a job as long, and no longer."""
    files = office.put(many_blocks)
    holder = sqlite3.connect(instance / "churn.db", isolation_level=None)
    with office.worker(log) as worker:
        office.blocks(2)
        holder.execute("BEGIN EXCLUSIVE")
        until(lambda: "the database is busy" in worker.log)
        holder.execute("ROLLBACK")
        assert office.finished().state == "succeeded"
    holder.close()
    assert files.result.read_bytes() == expected


def test_a_process_is_killed(office, log, many_blocks, expected):
    """A job whose scoring process is killed is retried by the same worker, and succeeds."""
    files = office.put(many_blocks)
    with office.worker(log) as worker:
        office.blocks(2)
        worker.children()[0].kill()
        job = office.finished()
        assert (job.state, job.attempts) == ("succeeded", 2)
        assert "job one: attempt 1 failed; the next begins when the lease expires" in worker.log
        assert worker.process.poll() is None
    assert files.result.read_bytes() == expected


@pytest.mark.parametrize("zipped", [False, True])
def test_taken_over(office, tmp_path, many_blocks, expected, zipped):
    """A frozen worker loses its job to another; resumed, it changes nothing, logs that, and runs other jobs."""
    table = many_blocks
    if zipped:
        table = tmp_path / "large.csv.gz"
        table.write_bytes(gzip.compress(customers(10_000).assign(note="x" * 5000).to_csv(index=False).encode(), 1))
        expected = scored(table, tmp_path / "expected.csv", office.models_dir)
    files = office.put(table, format="csv" if zipped else "parquet")
    with office.worker(tmp_path / "first") as first:
        office.blocks(2)
        office.freeze(first)
        with office.worker(tmp_path / "second") as second:
            until(lambda: office.job().attempts == 2)
            office.blocks(office.job().progress.blocks + 1)
            first.send_signal(signal.SIGCONT)
            until(lambda: "job one: another worker took it over" in first.log)
            assert office.finished().state == "succeeded"
            second.kill_all()
        office.put(many_blocks, "two")
        assert office.finished("two").state == "succeeded"
        until(lambda: "job two: done" in first.log)
    assert files.result.read_bytes() == expected


def test_taken_over_and_done(office, tmp_path, many_blocks, expected):
    """A frozen worker that resumes after another has finished its job does not change the result."""
    files = office.put(many_blocks)
    with office.worker(tmp_path / "first") as first:
        office.blocks(2)
        office.freeze(first)
        with office.worker(tmp_path / "second"):
            assert office.finished().state == "succeeded"
            office.left("result", "errors.ndjson")
        first.send_signal(signal.SIGCONT)
        until(lambda: "job one: another worker took it over" in first.log)
        assert first.process.poll() is None
    assert files.result.read_bytes() == expected
    office.left("result", "errors.ndjson")


def test_attempts_that_advance(office, many_blocks):
    """Attempts count against a job only while none of them finishes a block."""
    office.put(many_blocks)
    forgotten = type(office.queue)(office.services.database, lease=timedelta(seconds=-1), max_attempts=2)
    for attempt in range(1, 5):
        lease = forgotten.claim("w")
        assert lease.job.attempts == attempt
        forgotten.advance(lease, Progress(blocks=attempt, stop=attempt, attempt=attempt))
    assert forgotten.claim("w").job.attempts == 5
    assert forgotten.claim("w").job.attempts == 6
    assert forgotten.claim("w") is None
    assert office.job().reason_code == "attempts-exhausted"


def test_what_is_kept_no_longer(office, log, small_table):
    """A worker removes expired jobs and their files."""
    for name in ("old", "new"):
        office.put(small_table, name)
        office.queue.succeed(office.queue.claim("w"), Progress(), 0)
    ended = datetime.now(UTC) - timedelta(days=8)
    with office.services.database.transaction() as connection:
        connection.execute(update(JOBS).where(JOBS.c.id == "old").values(finished_at=ended))
    with office.worker(log) as worker:
        until(lambda: office.queue.ids() == {"new"})
        until(lambda: "job old: removed (age)" in worker.log)
    assert [path.name for path in office.services.jobs.folder.iterdir()] == ["new"]


def own_worker(office, engine, prune=tuple):
    """A worker in this process, with an engine that does what the test says."""
    limits = JobLimits(errors_bytes=1 << 20, growth=100, seconds=60)
    resources = Resources(office.services.jobs.sources, engine, office.models_dir, limits)
    counter = office.services.monitoring.drift_counter
    return Worker(
        office.queue, resources, prune, counter, None, name="w", jobs_dir=office.services.jobs.folder, beat_seconds=1
    )


def test_pruned_again_and_again(office, monkeypatch):
    """A worker prunes at intervals, and a failing disk or database does not stop it."""
    rounds = []

    def prune():
        rounds.append(1)
        if len(rounds) == 3:
            worker.stop()
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(worker_module, "PRUNE_EVERY_SECONDS", 0)
    monkeypatch.setattr(worker_module, "IDLE_SECONDS", 0)
    worker = own_worker(office, None, prune)
    worker.run()
    assert len(rounds) == 3


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "failed", "disk-full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "failed", "disk-full"),
        (OSError(errno.EIO, "Input/output error"), "failed", "storage-failed"),
        (RuntimeError("unexpected"), "running", None),
    ],
)
def test_what_an_engine_raises(office, small_table, caplog, error, state, code):
    """A failing disk ends the job; an unexpected exception ends the attempt, and never the worker."""

    def engine(function, todo, check):
        yield function(next(todo))
        raise error

    files = office.put(small_table)
    own_worker(office, engine).work(office.queue.claim("w"))
    job = office.job()
    assert (job.state, job.reason_code) == (state, code)
    assert not files.result.exists()
    assert "job one" in caplog.text


def test_an_upload_is_cut(serve, models_dir, make_key, instance):
    """An interrupted upload leaves no job and no file."""
    key = make_key("jobs")
    with serve(models_dir, workers=1) as server:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Length: 100000\r\n"
        part = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\ncustomerID,tenure\r\n'
        with socket.create_connection(address, timeout=30) as client:
            client.sendall(f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n{part}".encode())
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 4")
        listed = requests.get(f"{server.url}/api/v1/jobs", headers={"X-API-Key": key}, timeout=30).json()
        assert listed["count"] == 0
    folder = instance / "jobs"
    assert not folder.exists() or list(folder.iterdir()) == []
