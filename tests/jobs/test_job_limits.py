"""What a job may make of its input: small files that decompress to many rows."""

import gzip
import json
import time
from datetime import UTC, datetime

import pytest
from builders import customers, write_csv
from office import Office
from sqlalchemy import update
from test_worker import own_worker

from churn_api.jobs import job_limits as module
from churn_api.jobs.job_limits import JobLimits
from churn_api.serving.scoring_progress import Progress
from churn_api.store.tables import JOBS
from churn_api.tables import read_result, text_blocks
from churn_api.telemetry.job_metrics import JobMetrics


@pytest.fixture
def office_with(models_dir, monkeypatch):
    """An office whose workers run with settings of the test's own, and in one process."""
    offices = []

    def make(**settings):
        for name, value in {"JOB_PROCESSES": 1, **settings}.items():
            monkeypatch.setenv(f"CHURN_{name}", str(value))
        offices.append(Office(models_dir))
        return offices[-1]

    yield make
    for office in offices:
        office.services.database.close()


def work(office, job="one"):
    office.services.jobs.worker(JobMetrics()).work(office.queue.claim("w"))
    return office.job(job)


def nothing(tmp_path, rows):
    """A few hundred bytes that decompress to this many rows without fields."""
    path = tmp_path / "nothing.ndjson"
    path.write_bytes(gzip.compress(b"{}\n" * rows))
    return path


def output(files):
    return [json.loads(line) for line in files.errors.read_bytes().splitlines()]


def test_few_bytes_that_are_many_bad_rows(office_with, tmp_path):
    """A few hundred bytes of rows that are all bad make a bounded file of faults, whose last line counts the others."""
    office = office_with(MAX_JOB_ERRORS_BYTES=10_000)
    files = office.put(nothing(tmp_path, 5000), on_error="skip", result_format="ndjson")
    assert files.input.stat().st_size < 200
    job = work(office)
    assert (job.state, job.progress.rows, job.progress.bad_rows) == ("succeeded", 5000, 5000)
    assert files.errors.stat().st_size <= 10_000 + 100
    *faults, last = output(files)
    assert [fault["row"] for fault in faults] == sorted(fault["row"] for fault in faults)
    a_row = sum(fault["row"] == 1 for fault in faults)
    assert last == {"more_errors": 5000 * a_row - len(faults)}
    assert job.progress.more_errors == last["more_errors"]


def test_the_bound_outlives_a_worker(office_with, tmp_path, monkeypatch):
    """Faults that are left out are counted over the blocks and workers of a job; those that are kept have no gap."""
    monkeypatch.setattr(text_blocks, "TEXT_LINES", 100)
    office = office_with(MAX_JOB_ERRORS_BYTES=10_000)
    files = office.put(nothing(tmp_path, 1000), on_error="skip", result_format="ndjson")

    def killed_after(blocks):
        def engine(function, todo, check):
            for _ in range(blocks):
                yield function(next(todo))
            raise RuntimeError("killed")

        return engine

    for _ in range(3):
        own_worker(office, killed_after(2)).work(office.queue.claim("w"))
        with office.services.database.transaction() as connection:
            connection.execute(update(JOBS).values(lease_until=datetime(2020, 1, 1, tzinfo=UTC)))
    job = work(office)
    assert (job.state, job.progress.blocks, job.progress.bad_rows) == ("succeeded", 10, 1000)
    *faults, last = output(files)
    rows = [fault["row"] for fault in faults]
    assert sorted(set(rows)) == list(range(1, rows[-1] + 1))
    assert len(faults) + last["more_errors"] == 1000 * sum(row == 1 for row in rows)
    assert job.progress.more_errors == last["more_errors"]


def test_faults_that_fail_a_job(office_with, tmp_path):
    """A job that fails for its bad rows reports no more faults than the limit allows."""
    office = office_with(MAX_JOB_ERRORS_BYTES=5000)
    files = office.put(nothing(tmp_path, 5000), on_error="fail")
    job = work(office)
    assert (job.state, job.reason_code) == ("failed", "validation-failed")
    assert files.errors.stat().st_size <= 5100
    assert "more_errors" in output(files)[-1]


def test_faults_beyond_a_block_s_share(office_with, tmp_path, monkeypatch):
    """Of a block's faults the first are kept in memory, ragged rows among them, and a job counts the others."""
    monkeypatch.setattr(read_result, "MAX_BLOCK_FAULTS", 100)
    office = office_with()
    path = tmp_path / "bad.csv"
    path.write_text("tenure,MonthlyCharges,Partner,Contract\n" + "x,y,Yes,One year\n1,2\n" * 50)
    files = office.put(path, on_error="skip", result_format="ndjson", keep=[])
    job = work(office)
    *faults, last = output(files)
    assert [fault["row"] for fault in faults] == sorted([*range(2, 69), *range(2, 68, 2)])
    assert (job.progress.bad_rows, last) == (100, {"more_errors": 50})


def test_a_result_out_of_proportion(office_with, tmp_path, monkeypatch):
    """A job whose result grows beyond its input's share fails, says by which setting, and leaves nothing."""
    monkeypatch.setattr(module, "SMALL_RESULT", 50_000)
    office = office_with(MAX_JOB_GROWTH=20)
    files = office.put(nothing(tmp_path, 5000), on_error="skip", result_format="ndjson")
    job = work(office)
    assert (job.state, job.reason_code) == ("failed", "too-large")
    assert job.reason == "its result would have more than 50000 bytes (MAX_JOB_GROWTH)"
    assert not files.result.exists()
    assert not files.parts_folder.exists()
    fair = office.put(write_csv(customers(3000), tmp_path / "fair.csv"), "fair", keep=None)
    assert fair.input.stat().st_size > 50_000
    assert work(office, "fair").state == "succeeded"


def test_time_out_of_proportion(office_with, tmp_path, monkeypatch):
    """A job that exceeds its time over all attempts fails, and the reason names the setting."""
    monkeypatch.setattr(module.JobLimits, "seconds_of", lambda bounds, _: bounds.seconds / 100)
    monkeypatch.setattr(text_blocks, "TEXT_LINES", 10)
    office = office_with(MAX_JOB_SECONDS=50)
    files = office.put(nothing(tmp_path, 200_000), on_error="skip", result_format="ndjson")
    began = time.monotonic()
    job = work(office)
    assert (job.state, job.reason_code) == ("failed", "time-exceeded")
    assert "(MAX_JOB_SECONDS)" in job.reason
    assert time.monotonic() - began < 20
    assert not files.result.exists()


def test_time_of_earlier_workers(office_with, small_table):
    """What earlier workers of a job took counts."""
    office = office_with(MAX_JOB_SECONDS=50)
    office.put(small_table)
    lease = office.queue.claim("w")
    office.queue.advance(lease, Progress(seconds=51))
    office.queue.release(lease)
    assert work(office).reason_code == "time-exceeded"


def test_in_proportion():
    """A larger input may take longer and make more; a small one as much as any."""
    bounds = JobLimits(errors_bytes=0, growth=10, seconds=60)
    assert [bounds.seconds_of(size << 20) for size in (0, 10, 100)] == [60, 60, 600]
    assert [bounds.result_bytes(size << 20) >> 20 for size in (0, 1, 100)] == [10, 10, 1000]
