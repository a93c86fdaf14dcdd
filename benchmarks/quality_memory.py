"""What a job worker takes, in memory and time, to join a long log with outcomes."""

import json
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import insert

from benchmarks.report import table_of, write_figures
from benchmarks.servers import ROOT
from churn_api.monitoring.customer_keys import KEY_BYTES, CustomerKeys
from churn_api.monitoring.labelled_periods import Period
from churn_api.monitoring.log_columns import LOG_SCHEMA
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.outcome_store import declare_complete
from churn_api.monitoring.quality_document import quality_document
from churn_api.monitoring.quality_update import QualityUpdate
from churn_api.monitoring.version_facts import VersionFacts
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import OUTCOMES
from churn_api.store.schema import upgrade

HORIZON = 30
NAME = "default"
LEAVING = 0.002
"""The share of a day's customers who leave on it."""
_CUSTOMERS_OF_A_DAY = 30
"""So many times as many customers are scored in turn."""


def run(days: int, rows: int, *, dry: bool) -> None:
    """Print what it takes, and put it into the document."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(folder, days, rows)
        figures = [_in_a_process(folder) for _ in range(2)]
    head = ["days", "predictions a day", "what", "seconds", "peak MB", "MB before it"]
    titles = ("all periods", "again, nothing has changed")
    lines = [
        [str(days), f"{rows:,}", title, f"{seconds:,.1f}", f"{peak:,.0f}", f"{before:,.0f}"]
        for title, (seconds, peak, before) in zip(titles, figures, strict=True)
    ]
    write_figures("quality", table_of(head, lines), dry=dry)


def _prepare(folder: Path, days: int, rows: int) -> None:
    """A log of so many days, the outcomes of its customers, and a database."""
    database = _database(folder)
    upgrade(database)
    rng, log = np.random.default_rng(1), LogFolder(folder / "log")
    customers = rng.integers(0, 256, (rows * _CUSTOMERS_OF_A_DAY, KEY_BYTES), np.uint8)
    first = Period.of(datetime.now(UTC).date() - timedelta(days=days + HORIZON), HORIZON).first
    for number in range(days):
        day = first + timedelta(days=number)
        of_day = np.sort(rng.integers(0, len(customers), rows))
        _write_day(log, day, customers[of_day], rng)
        left = customers[rng.choice(of_day, max(1, int(rows * LEAVING)), replace=False)]
        _write_outcomes(database, day + timedelta(days=int(rng.integers(1, HORIZON))), left)
    declare_complete(database, NAME, first + timedelta(days=days + HORIZON), by="benchmark")
    database.close()


def _write_day(log: LogFolder, day: date, customers: np.ndarray, rng: np.random.Generator) -> None:
    n = len(customers)
    probabilities = rng.beta(1, 3, n).astype(np.float32)
    start = int(datetime.combine(day, time(), UTC).timestamp() * 1e6)
    columns = {
        "at": pa.array(start + np.sort(rng.integers(0, 86_400_000_000, n)), pa.timestamp("us", "UTC")),
        "request_id": pa.array([f"{day}-{number:012x}" for number in range(n)]),
        "row": np.zeros(n, np.int32),
        "customer": pa.array([bytes(key) for key in customers], pa.binary(KEY_BYTES)),
        "version": pa.array(["1"] * n),
        "variant": pa.array(["live"] * n),
        "probability": probabilities,
        "threshold": np.full(n, 0.4, np.float32),
        "churn": probabilities >= 0.4,
    }
    path = log.day(NAME, day).path
    path.mkdir(parents=True)
    table = pa.table(columns, LOG_SCHEMA)
    pyarrow.parquet.write_table(table, path / "part-0.parquet", compression="zstd")


def _write_outcomes(database: Database, day: date, customers: np.ndarray) -> None:
    same = {
        "model": NAME,
        "by_request": False,
        "day": day,
        "left": True,
        "contacted": False,
        "received_at": datetime.now(UTC),
        "received_by": "benchmark",
        "known": False,
    }
    with database.transaction() as connection:
        connection.execute(insert(OUTCOMES), [same | {"subject": bytes(key)} for key in customers])


def _in_a_process(folder: Path) -> list[float]:
    """Seconds, and the peak of resident memory of a process that joins what has changed, with what it had before."""
    code = f"from benchmarks.quality_memory import join; join({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    figures: list[float] = json.loads(done.stdout)
    return figures


def join(folder: str) -> None:
    """Join what has changed, and print the figures."""
    from churn_api.tables.arrow_memory import reduce_arrow_memory

    reduce_arrow_memory()
    database = _database(Path(folder))
    keys = CustomerKeys(b"of no customer of this benchmark")
    update = QualityUpdate(database, LogFolder(Path(folder) / "log"), lambda: {NAME: {"1": HORIZON}}, keys, 1000)
    before, started = _peak_megabytes(), perf_counter()
    update.run()
    print(json.dumps([perf_counter() - started, _peak_megabytes(), before]))
    if not quality_document(database, NAME, {"1": VersionFacts(HORIZON, {}, 0.0)}, "1", HORIZON)["versions"][0][
        "windows"
    ]:
        raise RuntimeError("nothing was joined")
    database.close()


def _peak_megabytes() -> float:
    # Not getrusage: what its parent had before exec counts there.
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _database(folder: Path) -> Database:
    return Database(f"sqlite:///{folder}/churn.db")
