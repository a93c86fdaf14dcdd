"""Tables of any size: how much of the ONNX session's rate the command, a job and a request keep, and their memory."""

import os
import resource
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.models import FOLDER, MODELS, make_models
from benchmarks.report import table_of, write_figures
from benchmarks.resampling import write_tables
from benchmarks.servers import CHURN_API, OURS, Server, running
from benchmarks.sessions import Rate, session_rate
from benchmarks.watching import watched
from churn_api.config import load_settings
from churn_api.jobs.job import FINISHED, Request
from churn_api.registry.bundle import bundle_digests
from churn_api.services import Services
from churn_api.serving.process_engine import cores

BOOSTED = MODELS[0]
REQUEST_ROWS = 100_000
REQUESTS = 10
MAX_SECONDS = 3600
RATES = ("rows/s", "session alone", "× session")
COSTS = ("CPU µs a row", "session alone", "× session")
FORMATS = ("parquet", "csv")


class Tables(NamedTuple):
    """The same rows in each format, and the bundle that scores them."""

    bundle: Path
    folder: Path
    rows: int
    seconds: float
    """How long the session alone runs each time."""

    def path(self, kind: str) -> Path:
        """Where they stand in one format."""
        return self.folder / f"{self.rows}.{kind}"


class Run(NamedTuple):
    """Every row of a table scored in one way."""

    seconds: float
    cpu_seconds: float
    peak_megabytes: float


Way = Callable[[Tables, str], Run]


def run(rows: int, seconds: float, table: Path | None, target: str, identifier: str, *, dry: bool) -> None:
    """Make tables, score them in every way, and write benchmarks/README.md unless `dry`."""
    home = FOLDER / table.stem if table else FOLDER
    bundle = make_models(home, table, target, identifier) / BOOSTED / "1"
    with tempfile.TemporaryDirectory(dir=home) as folder:
        many, few, sent = (
            Tables(bundle, Path(folder), size, seconds) for size in (rows, max(rows // 10, 1), min(rows, REQUEST_ROWS))
        )
        for tables in (many, few, sent):
            write_tables(home / "customers.csv", target, identifier, tables.rows, *map(tables.path, FORMATS))
        lines = [_line(what, kind, way, many, few) for what, way in WAYS.items() for kind in FORMATS]
        head = ["what", "of", *RATES, *COSTS, "peak MB", f"peak MB of {few.rows:,} rows"]
        drawn = table.name if table else "the sample data"
        text = f"{rows:,} rows drawn from {drawn}, {cores()} processes.\n\n{table_of(head, lines)}\n\n{_requests(sent)}"
        write_figures("tables", text, dry=dry)


def _line(what: str, kind: str, way: Way, many: Tables, few: Tables) -> list[str]:
    small = way(few, kind)
    with _session_around(many, cores()) as sessions:
        large = way(many, kind)
    rate, alone = many.rows / large.seconds, _mean(sessions)
    cpu = large.cpu_seconds / many.rows * 1e6
    rates = [f"{rate:,.0f}", f"{alone.rows_a_second:,.0f}", f"{rate / alone.rows_a_second:.2f}"]
    costs = [f"{cpu:.1f}", f"{alone.cpu_microseconds:.1f}", f"{alone.cpu_microseconds / cpu:.2f}"]
    line = [what, kind, *rates, *costs, f"{large.peak_megabytes:,.0f}", f"{small.peak_megabytes:,.0f}"]
    print(", ".join(line), flush=True)
    return line


def _mean(rates: list[Rate]) -> Rate:
    return Rate(*map(statistics.mean, zip(*rates, strict=True)))


@contextmanager
def _session_around(tables: Tables, processes: int) -> Iterator[list[Rate]]:
    """The session's rate right before and right after a block: the machine may be slower by then."""
    rates = [session_rate(tables.bundle, tables.path("parquet"), processes, tables.seconds)]
    yield rates
    rates.append(session_rate(tables.bundle, tables.path("parquet"), processes, tables.seconds))


def _by_command(tables: Tables, kind: str) -> Run:
    """`churn-api score`, from its start to its end."""
    output = tables.folder / f"scored.{kind}"
    started, cpu = time.perf_counter(), _cpu_of_children()
    command = [CHURN_API, "score", str(tables.path(kind)), "-o", str(output), "--model", BOOSTED]
    with watched(command, _environment(tables)) as (process, peak):
        if process.wait(timeout=MAX_SECONDS):
            raise SystemExit(f"{' '.join(command)} failed")
        seconds = time.perf_counter() - started
    output.unlink()
    return Run(seconds, _cpu_of_children() - cpu, peak.megabytes)


def _by_job(tables: Tables, kind: str) -> Run:
    """A job, from the start of its worker to the end of the job; reading the input counts too."""
    with tempfile.TemporaryDirectory(dir=tables.folder) as instance:
        settings = {"CHURN_INSTANCE_DIR": instance, "CHURN_DATA_DIR": str(tables.folder)}
        environment = _environment(tables) | settings
        subprocess.run([CHURN_API, "db", "upgrade"], env=environment, check=True, capture_output=True)
        queue = Services(load_settings({"INSTANCE_DIR": instance, "DATABASE_URL": ""})).jobs.queue
        job, _ = queue.put(_request(tables, kind), id="bench", owner="bench", owner_name="bench")
        started, cpu = time.perf_counter(), _cpu_of_children()
        with watched([CHURN_API, "worker"], environment) as (process, peak):
            while job.state not in FINISHED and process.poll() is None and time.perf_counter() < started + MAX_SECONDS:
                time.sleep(0.2)
                job = queue.get(job.id) or job
            seconds = time.perf_counter() - started
        if job.state != "succeeded":
            raise SystemExit(f"the job is {job.state}: {job.reason}")
        return Run(seconds, _cpu_of_children() - cpu, peak.megabytes)


def _cpu_of_children() -> float:
    """Processor time of all processes that were started from here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _request(tables: Tables, kind: str) -> Request:
    return Request(
        model=BOOSTED,
        version=tables.bundle.name,
        digest=bundle_digests(tables.bundle.parents[1])[BOOSTED][tables.bundle.name],
        format=kind,
        result_format=kind,
        threshold=None,
        on_error="fail",
        keep=[],
        source=tables.path(kind).name,
        engine="local",
    )


WAYS: dict[str, Way] = {"`churn-api score`": _by_command, "job": _by_job}


def _requests(tables: Tables) -> str:
    """A table in one request after another: the rate of the median, and the worker's memory."""
    limits = {"CHURN_MAX_BATCH_ROWS": str(tables.rows), "CHURN_MAX_CONTENT_LENGTH": str(2**30), "WEB_CONCURRENCY": "1"}
    with running(OURS, tables.bundle.parents[1], **limits) as server, _session_around(tables, 1) as sessions:
        _post(server, tables.path("csv"))
        before = server.pss_megabytes()
        seconds = statistics.median(_post(server, tables.path("csv")) for _ in range(REQUESTS))
        memory = f"{before:,.0f}, {server.pss_megabytes():,.0f}"
    rate, alone = tables.rows / seconds, _mean(sessions).rows_a_second
    head = ["what", "rows/s", "session alone, one core", "× session", f"memory before, after {REQUESTS} more, MB"]
    line = [f"batch-predict, {tables.rows:,} rows of CSV", f"{rate:,.0f}", f"{alone:,.0f}", f"{rate / alone:.2f}"]
    return table_of(head, [[*line, memory]])


def _post(server: Server, table: Path) -> float:
    """Seconds until the last byte of the answer."""
    address = f"{server.url}/api/v1/batch-predict/{BOOSTED}"
    request = urllib.request.Request(address, table.read_bytes(), {"Content-Type": "text/csv", "X-API-Key": server.key})
    started = time.perf_counter()
    with urllib.request.urlopen(request, timeout=120) as response:
        response.read()
    return time.perf_counter() - started


def _environment(tables: Tables) -> dict[str, str]:
    """An instance folder of its own, so that no catalogue says which version is live."""
    return os.environ | {
        "CHURN_INSTANCE_DIR": str(tables.folder),
        "CHURN_MODELS_DIR": str(tables.bundle.parents[1]),
        "DATABASE_URL": "",
        "CHURN_MAX_JOB_BYTES": str(2**40),
    }
