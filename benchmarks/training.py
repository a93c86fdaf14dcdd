"""Training as a user types it, with plain scikit-learn and LightGBM on the same rows and folds."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report import table_of, write_figures
from benchmarks.servers import CHURN_API, ROOT

METRICS = ("roc_auc", "log_loss", "ece")
PEERS = {"scikit-learn": "plain scikit-learn", "lightgbm": "plain LightGBM"}
SAMPLES = {
    "5,630 × 20": ("--rows", "5630", "--noise", "7"),
    "160,000 × 42, 390 categories": ("--rows", "160000", "--categories", "390", "--noise", "16"),
    "1,000,000 × 13": ("--rows", "1000000"),
}
"""Options of `churn-api sample-data`, by the name of the table that they make."""


class Table(NamedTuple):
    """A table to train on."""

    name: str
    path: Path
    options: tuple[str, ...]
    """Options of `churn-api train`, among them the target."""


class Run(NamedTuple):
    """What one process printed, and what it took."""

    printed: str
    seconds: float
    peak_megabytes: float


def run(largest: int, table: Path | None, target: str, options: Sequence[str], *, dry: bool) -> None:
    """Train on the samples of at most `largest` rows, or on `table`; writes benchmarks/README.md unless `dry`."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as folder:
        if table:
            chosen = [Table(table.name, table.resolve(), ("--target", target, *options))]
        else:
            chosen = _samples(largest, Path(folder))
        measured = [_measure(one, Path(folder)) for one in chosen]
    runs = table_of(
        ["table", "", "seconds", "peak MB", "ROC-AUC", "log loss", "ECE"],
        [line for lines, _ in measured for line in lines],
    )
    fits = table_of(
        ["table", "rounds", "fit of `wide`, s", "fit of LightGBM, s", "ratio"], [ratio for _, ratio in measured]
    )
    write_figures("training", f"Load of the machine at the start: {load:.1f}.\n\n{runs}\n\n{fits}", dry=dry)


def _samples(largest: int, folder: Path) -> list[Table]:
    tables = []
    for name, options in SAMPLES.items():
        if int(options[1]) <= largest:
            path = folder / f"{options[1]}.csv"
            with path.open("wb") as file:
                subprocess.run([CHURN_API, "sample-data", *options], stdout=file, cwd=ROOT, check=True)
            tables.append(Table(name, path, ("--target", "churn")))
    return tables


def _measure(table: Table, folder: Path) -> tuple[list[list[str]], list[str]]:
    """A line for each learner, and one for the ratio of two fits."""
    models = folder / f"{table.path.stem}-models"
    command = [CHURN_API, "train", str(table.path), *table.options, "--name", "bench", "--json"]
    ours = _run(command, CHURN_MODELS_DIR=str(models))
    calibrated = json.loads((models / "bench" / "1" / "card.json").read_bytes())["metrics"]["calibration"]
    chosen = f"churn-api: {json.loads(ours.printed)['chosen']}"
    lines = [_line(table, chosen, ours, {metric: calibrated[metric]["mean"] for metric in METRICS})]
    prepared = folder / f"{table.path.stem}-prepared"
    _run([*_CHILD, "prepare", str(prepared), str(table.path), *table.options])
    for peer, title in PEERS.items():
        done = _run([*_CHILD, "peer", str(prepared), peer])
        lines.append(_line(table, title, done, json.loads(done.printed)))
    fits = json.loads(_run([*_CHILD, "fits", str(table.path), *table.options]).printed)
    ratio = fits["wide"] / fits["lightgbm"]
    return lines, [
        table.name,
        str(fits["rounds"]),
        *(f"{fits[who]:.2f}" for who in ("wide", "lightgbm")),
        f"{ratio:.2f}",
    ]


_CHILD = (sys.executable, "-m", "benchmarks.training_peers")


def _line(table: Table, who: str, done: Run, metrics: dict[str, Any]) -> list[str]:
    figures = [f"{metrics[metric]:.4f}" for metric in METRICS]
    print(f"{table.name}, {who}: {done.seconds:.1f} s, {done.peak_megabytes:,.0f} MB, {figures}", flush=True)
    return [table.name, who, f"{done.seconds:.1f}", f"{done.peak_megabytes:,.0f}", *figures]


def _run(command: Sequence[str], **environment: str) -> Run:
    """Run a command to its end. This process stays small: a child's peak begins with its parent's memory."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, cwd=ROOT, env=os.environ | environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        output.seek(0)
        return Run(output.read().decode(), seconds, usage.ru_maxrss * 1024 / 1e6)
