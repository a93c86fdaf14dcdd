"""What an experiment adds to a request: nothing without one, a look-up; a shadow, a second scoring."""

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.metrics import app_of, asking, timed
from benchmarks.models import MODELS, customers, make_models
from benchmarks.report import table_of, write_figures
from benchmarks.servers import churn_api

NAME = "pair"
"""A model with two versions: one of each kind."""
BATCH = 1000
TIMES = {"one customer": 200, "1,000 customers": 20}
WAYS = ("none", "shadow", "canary", "ab")


def run(rounds: int, *, dry: bool) -> None:
    """Measure, and write benchmarks/README.md unless `dry`."""
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as folder:
        models = make_models(Path(folder))
        for kind in MODELS:
            options = ["--target", "churn", "--id", "customer_id", "--estimator", kind, "--name", NAME]
            churn_api("train", str(Path(folder) / "customers.csv"), *options, CHURN_MODELS_DIR=str(models))
        records, _ = customers(Path(folder), models)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            rows = pool.apply(_measured, (folder, str(models), records, rounds))
    head = ["µs of processor time", *WAYS, "a shadow more", "look-up without one"]
    write_figures("shadowing", table_of(head, rows), dry=dry)


def _measured(folder: str, models: str, records: list[dict[str, Any]], rounds: int) -> list[list[str]]:
    """By request: the median of its time in each way, turn by turn in one process."""
    app, _ = app_of(folder, models)
    services = app.extensions["churn_api"]
    services.management.register(f"{NAME}/2", by="benchmark")
    challengers = services.live.challengers
    running = {"none": {}}
    for mode in WAYS[1:]:
        started = services.experiment_management.start(NAME, "2", mode, 0 if mode == "shadow" else 5000, by="benchmark")
        running[mode] = challengers._loaded  # noqa: SLF001 - what is taken away and given back is what is measured
        services.experiment_management.stop(started.id, by="benchmark", reason="measured")
    model = services.live.get(NAME)
    look_up = min(timed(lambda: challengers.experiment_of(model), 10_000) for _ in range(rounds))
    bodies = {
        "one customer": ("predict", records[0]),
        "1,000 customers": ("batch-predict", {"customers": records[:BATCH]}),
    }
    rows = []
    for what, (route, body) in bodies.items():
        ask = asking(app, f"/api/v1/{route}/{NAME}", body)
        seen: dict[str, list[float]] = {way: [] for way in WAYS}
        timed(ask, TIMES[what])
        for turn in range(rounds):
            for way in WAYS if turn % 2 else reversed(WAYS):
                challengers._loaded = running[way]  # noqa: SLF001
                seen[way].append(_timed_with_shadows(ask, TIMES[what], services))
        more = statistics.median(after - before for before, after in zip(seen["none"], seen["shadow"], strict=True))
        medians = [f"{statistics.median(seen[way]):,.1f}" for way in WAYS]
        rows.append([what, *medians, f"{more:.1f}", f"{look_up:.2f}"])
    return rows


def _timed_with_shadows(ask: Callable[[], None], times: int, services: Any) -> float:
    """Microseconds of processor time a request, until the thread has scored the shadows too."""
    started = time.process_time()
    for _ in range(times):
        ask()
    services.data_plane.drain()
    return (time.process_time() - started) / times * 1e6
