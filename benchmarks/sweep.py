"""The cost of a batch, and the memory at its peak, from 1 customer to 100,000 with the limit raised."""

import itertools
import json
import statistics
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.models import FOLDER, MODELS, customers, make_models
from benchmarks.report import table_of, write_figures
from benchmarks.servers import OURS, ROOT, Server, running

CHART = ROOT / "benchmarks" / "sweep.svg"
SECONDS_A_SIZE = 4.0
FEWEST, MOST = 5, 200


class Point(NamedTuple):
    """What one size of batch costs one model."""

    model: str
    rows: int
    milliseconds: float
    """From the request's first byte to the answer's last, the median."""
    peak_megabytes: float
    """Most memory that the worker held at any moment."""


def run(largest: int, *, dry: bool) -> None:
    """One worker, one client; writes benchmarks/README.md and the chart unless `dry`."""
    models = make_models(FOLDER)
    records, _ = customers(FOLDER, models)
    sizes = list(itertools.takewhile(lambda size: size <= largest, (10**power for power in range(10))))
    settings = {"CHURN_MAX_BATCH_ROWS": str(largest), "CHURN_MAX_CONTENT_LENGTH": str(2**30), "WEB_CONCURRENCY": "1"}
    points = []
    for model in MODELS:
        with running(OURS, models, **settings) as server:
            for size in sizes:
                body = json.dumps({"customers": list(itertools.islice(itertools.cycle(records), size))}).encode()
                points.append(_measure(server, model, size, body))
    head = ["model", "customers", "ms a batch", "µs a customer", "peak memory of the worker, MB"]
    write_figures("sweep", table_of(head, [_row(point) for point in points]), dry=dry)
    if not dry:
        _draw(points)


def _measure(server: Server, model: str, size: int, body: bytes) -> Point:
    (worker,) = server.processes[0].children()
    _forget_peak(worker)
    taken: list[float] = []
    deadline = time.perf_counter() + SECONDS_A_SIZE
    while len(taken) < FEWEST or (len(taken) < MOST and time.perf_counter() < deadline):
        headers = {"Content-Type": "application/json", "X-API-Key": server.key}
        request = urllib.request.Request(f"{server.url}/api/v1/batch-predict/{model}", body, headers)
        started = time.perf_counter()
        with urllib.request.urlopen(request, timeout=120) as response:
            response.read()
        taken.append((time.perf_counter() - started) * 1000)
    print(f"{model}, {size:,} customers: {statistics.median(taken):,.2f} ms", flush=True)
    return Point(model, size, statistics.median(taken), _peak_megabytes(worker))


def _row(point: Point) -> list[str]:
    times = [f"{point.milliseconds:,.2f}", f"{point.milliseconds / point.rows * 1000:,.2f}"]
    return [point.model, f"{point.rows:,}", *times, f"{point.peak_megabytes:,.0f}"]


def _forget_peak(process: psutil.Process) -> None:
    """Linux: 5 resets the peak of resident memory (proc_pid_clear_refs)."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def _peak_megabytes(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def _draw(points: list[Point]) -> None:
    """In the peers' environment, which has matplotlib."""
    data = FOLDER / "sweep.json"
    data.write_text(json.dumps([point._asdict() for point in points]))
    python = str(ROOT / ".venv-bench/bin/python")
    subprocess.run([python, "-m", "benchmarks.chart", str(data), str(CHART)], cwd=ROOT, check=True)
