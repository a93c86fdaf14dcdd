"""Jobs, their tables, and workers that are real processes."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet
from builders import customers
from click.testing import CliRunner
from conftest import ROOT

from churn_api.cli import main
from churn_api.config import load_settings
from churn_api.jobs.files import JobFiles
from churn_api.jobs.job import Job, Request
from churn_api.registry.bundle import bundle_digests
from churn_api.services import Services
from churn_api.tables.formats import format_of_name

LEASE = {"CHURN_JOB_LEASE_SECONDS": "1", "CHURN_JOB_PROCESSES": "2"}


def grouped(path: Path, groups: int, rows: int = 400) -> Path:
    """A Parquet table with this many blocks."""
    table = pa.Table.from_pandas(customers(groups * rows), preserve_index=False)
    pyarrow.parquet.write_table(table, path, row_group_size=rows)
    return path


def until(holds: Callable[[], Any], seconds: float = 90, every: float = 0.05) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(every)


class Office:
    """The queue and the folders that workers and tests share."""

    def __init__(self, models_dir: Path) -> None:
        self.models_dir = models_dir
        self.services = Services(load_settings({"MODELS_DIR": str(models_dir)}))
        self.queue = self.services.jobs.queue

    def put(self, table: Path | None, job: str = "one", **chosen: Any) -> JobFiles:
        """Queue a job as an upload is queued."""
        files = self.files(job)
        files.begin()
        if table is not None:
            files.input.write_bytes(table.read_bytes())
        asked = {
            "model": "small",
            "version": "1",
            "format": format_of_name(table.name) if table else "csv",
            "result_format": "csv",
            "threshold": None,
            "on_error": "fail",
            "keep": ["Region"],
            "source": "",
            "engine": "local",
        } | chosen
        digest = bundle_digests(self.models_dir)[asked["model"]][asked["version"]]
        self.queue.put(Request(digest=digest, **asked), id=job, owner="key:a", owner_name="a")
        return files

    def files(self, job: str = "one") -> JobFiles:
        return JobFiles(self.services.jobs.folder, job)

    def job(self, job: str = "one") -> Job:
        actual = self.queue.get(job)
        assert actual is not None
        return actual

    def finished(self, job: str = "one", seconds: float = 90) -> Job:
        """Wait until the job ends, and return it."""
        until(lambda: self.job(job).finished_at, seconds)
        return self.job(job)

    def left(self, *names: str, job: str = "one") -> None:
        """Wait until a job's folder has exactly these files: a worker removes others after it has updated the queue."""
        folder = self.files(job).folder
        until(lambda: {path.name for path in folder.iterdir()} == set(names))

    def blocks(self, blocks: int, job: str = "one") -> None:
        """Wait until a job has this many finished blocks and still runs."""
        until(lambda: self.job(job).progress.blocks >= blocks, every=0.01)
        actual = self.job(job)
        assert actual.state == "running", f"{actual.state} after {actual.progress.blocks} blocks, {actual.reason}"

    def freeze(self, worker: "Worker") -> None:
        """Freeze a worker, but not while it holds SQLite's lock, which would block all other processes."""
        deadline = time.monotonic() + 60
        worker.stop_threads()
        while not self._can_be_written():
            assert time.monotonic() < deadline
            worker.send_signal(signal.SIGCONT)
            time.sleep(0.01)
            worker.stop_threads()

    def _can_be_written(self) -> bool:
        path = self.services.database.url.database
        with closing(sqlite3.connect(str(path), timeout=0.2, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return False
        return True

    def worker(self, log: Path, **environment: str) -> Any:
        return working(self.models_dir, log, **environment)


class Worker:
    """A worker process, started as an operator starts it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self._log = process, log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def send_signal(self, number: signal.Signals) -> None:
        """Signal the worker and its processes at once."""
        os.killpg(self.process.pid, number)

    def stop_threads(self) -> None:
        """Freeze the worker, and wait until each of its threads is: one in a system call could yet take a lock."""
        self.send_signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.process.pid}/task")
        until(lambda: all(_state(task) == "T" for task in tasks.iterdir()), every=0.001)

    def kill_all(self) -> None:
        self.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def children(self) -> list[psutil.Process]:
        """The scoring processes."""
        actual = psutil.Process(self.process.pid).children()
        return [child for child in actual if "spawn_main" in " ".join(child.cmdline())]


def _state(task: Path) -> str:
    """The letter of a thread's state in Linux's /proc, which follows its name in brackets."""
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def working(models_dir: Path, log: Path, **environment: str) -> Iterator[Worker]:
    """A worker process, killed with its children in the end; a test that fails shows its log."""
    chosen = os.environ | LEASE | {"CHURN_MODELS_DIR": str(models_dir)} | environment
    with log.open("a") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "churn_api", "worker"],
            cwd=ROOT,
            env=chosen,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    worker = Worker(process, log)
    try:
        yield worker
    except BaseException as error:
        error.add_note(f"The log of {log.name}:\n{worker.log}")
        raise
    finally:
        if process.poll() is None:
            worker.kill_all()


def scored(table: Path, result: Path, models_dir: Path, *options: str, version: str = "1") -> bytes:
    """The result of `churn-api score` for a table, computed in this process: processes of its own take seconds."""
    arguments = ["score", str(table), "-o", str(result), "--model", "small", "--version", version, "--keep", "Region"]
    arguments += ["--processes", "1", *options]
    done = CliRunner(env={"CHURN_MODELS_DIR": str(models_dir)}).invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return result.read_bytes()
