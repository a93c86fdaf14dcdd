"""The rate of the ONNX session alone: what nothing that reads and writes tables can exceed."""

import multiprocessing
import time
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

from churn_api.contract.columns import Columns
from churn_api.registry.model import Model, load_model
from churn_api.tables.file_parts import Block
from churn_api.tables.formats import FORMATS
from churn_api.tables.layout import read_layout

BATCH = 1 << 15


class Rate(NamedTuple):
    """How fast rows are scored, and what each costs."""

    rows_a_second: float
    cpu_microseconds: float
    """Processor time of a row."""


def session_rate(bundle: Path, table: Path, processes: int, seconds: float) -> Rate:
    """Of sessions in so many processes at once, on columns that are ready: the first rows of a Parquet file."""
    context = multiprocessing.get_context("spawn")
    together, rates = context.Barrier(processes), context.SimpleQueue()
    running = [context.Process(target=_run, args=(bundle, table, seconds, together, rates)) for _ in range(processes)]
    for process in running:
        process.start()
    result = [rates.get() for _ in running]
    for process in running:
        process.join()
    return Rate(sum(rate for rate, _ in result), sum(cpu for _, cpu in result) / processes)


def _run(bundle: Path, table: Path, seconds: float, together: Barrier, rates: "SimpleQueue[Rate]") -> None:
    model = load_model(bundle)
    columns = _columns(model, table)
    model.score(columns)
    together.wait()
    started, cpu, rows = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < seconds:
        model.score(columns)
        rows += columns.rows
    rates.put(Rate(rows / (time.perf_counter() - started), (time.process_time() - cpu) / rows * 1e6))


def _columns(model: Model, table: Path) -> Columns:
    layout = read_layout(table, "parquet")
    reader = FORMATS[layout.format].reader(model.reader.records, layout, (), frozenset())
    return reader.read(Block(0, 0, min(BATCH, layout.stop))).columns
