"""The Dask engine on a real cluster: a scheduler and two workers, each in its own process."""

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pyarrow.dataset
import pyarrow.parquet
import pytest
from conftest import ROOT
from office import Office, grouped, scored, until

pytest.importorskip("distributed")

from dask.distributed import Client

from benchmarks.nginx import free_port

BLOCKS = 240
"""Of the table that jobs are met midway in."""


@contextmanager
def process(log, *arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "30s"}
    with log.open("a") as stream:
        command = [sys.executable, "-m", "dask", *arguments]
        started = subprocess.Popen(command, cwd=log.parent, env=environment, stdout=stream, stderr=stream)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


class Cluster:
    """A scheduler and its workers on loopback."""

    def __init__(self, folder):
        self._log, self._port = folder / "dask.log", free_port()
        self.address = f"tcp://127.0.0.1:{self._port}"

    def scheduler(self):
        options = ("--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard", "--no-show")
        return process(self._log, "scheduler", *options)

    def worker(self):
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        return process(self._log, "worker", self.address, *options)

    @contextmanager
    def running(self, workers=2):
        """The scheduler, and its workers when all have come."""
        with ExitStack() as stack:
            scheduler = stack.enter_context(self.scheduler())
            started = [stack.enter_context(self.worker()) for _ in range(workers)]
            with Client(self.address, timeout=60, set_as_default=False) as client:
                until(lambda: len(client.nthreads()) == workers)
            yield scheduler, started


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


@pytest.fixture
def office(models_dir):
    office = Office(models_dir)
    yield office
    office.services.database.close()


@pytest.fixture(scope="module")
def many_blocks(tmp_path_factory):
    return grouped(tmp_path_factory.mktemp("tables") / "many.parquet", BLOCKS)


@pytest.fixture(scope="module")
def expected(many_blocks, models_dir):
    return scored(many_blocks, many_blocks.with_name("expected.parquet"), models_dir)


@pytest.fixture
def start(office, cluster, tmp_path):
    """Start a worker that computes on the cluster."""
    settings = {"CHURN_JOB_ENGINE": "dask", "CHURN_DASK_SCHEDULER": cluster.address}
    return lambda: office.worker(tmp_path / "worker.log", **settings)


ASKED = {"engine": "dask", "result_format": "parquet"}


def test_a_worker_of_the_cluster_is_killed(office, cluster, start, many_blocks, expected):
    """The result is that of the local engine, though a worker is killed; its parts are a data set of the same rows."""
    files = office.put(many_blocks, **ASKED)
    with cluster.running() as (_, workers), start():
        office.blocks(5)
        workers[0].kill()
        job = office.finished()
        office.left("result", "errors.ndjson", "parts")
    assert (job.state, job.attempts, job.progress.rows) == ("succeeded", 1, BLOCKS * 400)
    assert files.result.read_bytes() == expected
    parts = pyarrow.dataset.dataset(files.parts_folder, format="parquet")
    assert len(parts.files) == BLOCKS
    assert all(name.endswith(".parquet") for name in parts.files)
    assert parts.to_table().equals(pyarrow.parquet.read_table(files.result))


def test_cancelled(office, cluster, start, many_blocks):
    """A running job that is cancelled stops, and its files are removed."""
    files = office.put(many_blocks, **ASKED)
    with cluster.running(), start():
        office.blocks(5)
        office.queue.cancel("one")
        assert office.finished().state == "cancelled"
        until(lambda: list(files.folder.parent.iterdir()) == [])


def test_scheduler_comes_late(office, cluster, start, many_blocks):
    """Without a scheduler a job waits, which is logged and counts as no attempt; with one it succeeds."""
    office.put(many_blocks, **ASKED)
    with start() as worker:
        until(lambda: "job one: there is no Dask scheduler at DASK_SCHEDULER; released" in worker.log)
        assert (office.job().state, office.job().attempts) == ("queued", 0)
        with cluster.running():
            job = office.finished()
    assert (job.state, job.attempts) == ("succeeded", 1)


def test_scheduler_is_started_anew(office, cluster, start, many_blocks, expected):
    """A job whose scheduler is killed continues from its last block with the next scheduler."""
    files = office.put(many_blocks, **ASKED)
    with start() as worker:
        with cluster.running() as (scheduler, _):
            office.blocks(5)
            scheduler.kill()
            until(lambda: "job one: the Dask scheduler is gone" in worker.log)
        with cluster.running():
            job = office.finished()
    assert (job.state, job.attempts) == ("succeeded", 1)
    assert job.started_from.blocks >= 5
    assert files.result.read_bytes() == expected


@pytest.mark.parametrize("output", ["stop", "cancel"])
def test_cluster_without_workers(office, cluster, start, many_blocks, output):
    """A job that waits for a worker of the cluster can be cancelled, and does not keep its own worker from ending."""
    office.put(many_blocks, **ASKED)
    with cluster.running(workers=0), start() as worker:
        until(lambda: "the Dask cluster has no workers" in worker.log)
        if output == "cancel":
            office.queue.cancel("one")
            assert office.finished().state == "cancelled"
        else:
            worker.process.terminate()
            assert worker.process.wait(30) == 0
            assert (office.job().state, office.job().attempts) == ("queued", 0)
