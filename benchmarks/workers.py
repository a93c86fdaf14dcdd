"""What a further worker costs in memory, at first, after single requests, and after batches."""

import time
from pathlib import Path

from benchmarks.load import load
from benchmarks.models import FOLDER, customers, make_models, write_bodies
from benchmarks.report import table_of, write_figures
from benchmarks.servers import OURS, Server, running

FEW, MANY = 2, 6
SETTLE_SECONDS = 2
"""How long workers are let alone, that they all follow the database."""
ONE = "/api/v1/predict/boosting"
BATCHES = ("/api/v1/batch-predict/boosting", "/api/v1/batch-predict/logistic")


def run(seconds: int, *, dry: bool) -> None:
    """Measure, and write benchmarks/README.md unless `dry`."""
    models = make_models(FOLDER)
    records, _ = customers(FOLDER, models)
    bodies = write_bodies(FOLDER, records)
    megabytes = {}
    for workers in (FEW, MANY):
        # One after the other: two servers would share their libraries' memory, and each seem smaller.
        with running(OURS, models, WEB_CONCURRENCY=str(workers)) as server:
            megabytes[workers] = _measured(server, bodies, workers, seconds)
    each = [(many - few) / (MANY - FEW) for few, many in zip(megabytes[FEW], megabytes[MANY], strict=True)]
    rows = [[str(workers), *map(_formatted, result)] for workers, result in megabytes.items()]
    head = ["workers", "ready", "after single requests", f"after batches of {len(records):,} as well"]
    write_figures("workers", table_of(head, [*rows, ["each further one", *map(_formatted, each)]]), dry=dry)


def _measured(server: Server, bodies: tuple[Path, Path], workers: int, seconds: int) -> list[float]:
    """Megabytes of all processes: ready, after single requests, after batches of both models."""
    (one, many), connections = bodies, 4 * workers
    time.sleep(SETTLE_SECONDS)
    result = [server.pss_megabytes()]
    load(server.url + ONE, one, connections=connections, seconds=seconds, key=server.key)
    result.append(server.pss_megabytes())
    for route in BATCHES:
        load(server.url + route, many, connections=connections, seconds=seconds, key=server.key)
    return [*result, server.pss_megabytes()]


def _formatted(megabytes: float) -> str:
    return f"{megabytes:.1f}"
