"""What the prediction log adds to a request: processor time with and without it, in one run."""

import statistics
from contextlib import ExitStack
from pathlib import Path

from benchmarks.load import load
from benchmarks.models import FOLDER, customers, make_models, write_bodies
from benchmarks.report import table_of, write_figures
from benchmarks.servers import NO_LIMITS, OPEN, OURS, Server, running

MODES = ("off", "answers", "records")
LOADS = {"one customer": "/api/v1/predict/boosting", "1,000 customers": "/api/v1/batch-predict/boosting"}
CONNECTIONS = 4

Figures = dict[tuple[str, str], list[float]]
"""By load and mode: microseconds of processor time a request, round by round."""


def run(rounds: int, seconds: int, *, dry: bool) -> None:
    """Load a server of each mode in turn, and write benchmarks/README.md unless `dry`."""
    models = make_models(FOLDER)
    bodies = dict(zip(LOADS, write_bodies(FOLDER, customers(FOLDER, models)[0]), strict=True))
    figures: Figures = {(name, mode): [] for name in LOADS for mode in MODES}
    with ExitStack() as stack:
        servers = {
            mode: stack.enter_context(
                running(OURS, models, **OPEN, **NO_LIMITS, CHURN_LOG_PREDICTIONS=mode, CHURN_LOG_LEVEL="error")
            )
            for mode in MODES
        }
        for number in range(rounds):
            for mode in MODES[:: 1 if number % 2 else -1]:
                for name, route in LOADS.items():
                    figures[name, mode].append(_microseconds(servers[mode], route, bodies[name], seconds))
            print(f"[{number + 1}/{rounds}]", flush=True)
    write_figures("monitoring", _table(figures), dry=dry)


def _microseconds(server: Server, route: str, body: Path, seconds: int) -> float:
    before = server.cpu_seconds()
    seen = load(server.url + route, body, connections=CONNECTIONS, seconds=seconds, key=server.key)
    if seen.bad:
        raise SystemExit(f"{server.name} gave {seen.bad} bad answers")
    return (server.cpu_seconds() - before) / seen.requests * 1e6


def _table(figures: Figures) -> str:
    rows = []
    for name in LOADS:
        without = figures[name, MODES[0]]
        for mode in MODES:
            ratios = [one / other for one, other in zip(figures[name, mode], without, strict=True)]
            row = [name, mode, f"{statistics.median(figures[name, mode]):,.0f}", f"{statistics.median(ratios):.3f}"]
            rows.append([*row, f"{min(ratios):.3f} to {max(ratios):.3f}"])
    head = ["request", "LOG_PREDICTIONS", "CPU µs a request", "× off (median of rounds)", "rounds"]
    return table_of(head, rows)
