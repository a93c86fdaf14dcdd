"""The job worker that gunicorn starts."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from conftest import serving
from office import LEASE, Office, until

from churn_api.server import supervisor


@pytest.fixture
def office(models_dir):
    office = Office(models_dir)
    yield office
    office.services.database.close()


@pytest.fixture
def server(models_dir, tmp_path):
    with serving(models_dir, tmp_path / "log", workers=1, CHURN_JOB_WORKER="1", **LEASE) as server:
        yield server


def job_workers(server):
    """The processes of the job worker and its supervisor."""
    result = psutil.Process(server.process.pid).children(recursive=True)
    alive = [process for process in result if process.status() != psutil.STATUS_ZOMBIE]
    return [process for process in alive if "churn_api" in process.cmdline()]


def wait_for_worker(server, last=None):
    """The server's job worker, where it is not the previous one."""
    result = []

    def is_there():
        result[:] = [one for one in job_workers(server) if "--respawn" not in one.cmdline() and one != last]
        return result

    until(is_there)
    return result[0]


def test_works_on_jobs(server, office, small_table):
    """With JOB_WORKER, gunicorn alone does jobs."""
    office.put(small_table)
    assert office.finished().state == "succeeded"


def test_no_worker_by_default(models_dir, tmp_path):
    """Without JOB_WORKER, gunicorn starts none."""
    with serving(models_dir, tmp_path / "log", workers=1) as server:
        assert job_workers(server) == []


def test_replaced_when_killed(server, office, small_table):
    """A killed job worker is restarted, which is logged, and the new one runs jobs."""
    killed = wait_for_worker(server)
    killed.kill()
    wait_for_worker(server, killed)
    (output,) = [line for line in server.lines if "the job worker ended with code -9; it is restarted" in line["event"]]
    assert output["level"] == "error"
    office.put(small_table)
    assert office.finished().state == "succeeded"


def test_its_supervisor_is_killed(server, office, small_table):
    """When the supervisor is killed its worker ends, and another supervisor starts another worker, which does jobs."""
    worker = wait_for_worker(server)
    (killed,) = [one for one in job_workers(server) if "--respawn" in one.cmdline()]
    killed.kill()
    assert psutil.wait_procs([worker], timeout=60)[1] == []
    wait_for_worker(server, worker)
    assert "the job worker's supervisor has ended; it is restarted" in server.log
    office.put(small_table)
    assert office.finished().state == "succeeded"


def test_its_parent_died_young():
    """A supervisor whose parent ended before it looked ends too, and leaves no worker."""
    command = [sys.executable, "-m", "churn_api", "worker", "--respawn", "--parent", "4194300"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    assert process.wait(60) == 0
    assert not [one for one in psutil.process_iter() if os.getpgid(one.pid) == process.pid]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_ends_with_gunicorn(server, how):
    """When gunicorn stops or is killed, the job worker and its supervisor end too."""
    wait_for_worker(server)
    result = job_workers(server)
    assert len(result) == 2
    os.kill(server.process.pid, how)
    server.process.wait(60)
    assert psutil.wait_procs(result, timeout=60)[1] == []


def test_one_that_does_not_end(server, monkeypatch):
    """A job worker that ignores SIGTERM is killed, so that gunicorn can end."""
    worker = wait_for_worker(server)
    worker.suspend()
    os.kill(server.process.pid, signal.SIGTERM)
    server.process.wait(supervisor.GRACE_SECONDS + 30)
    assert psutil.wait_procs([worker], timeout=10)[1] == []
    assert "the job worker does not end; it is killed" in server.log
