"""Compares two checkouts: the same loads in turn, and each figure as a ratio within its round."""

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.compare import SCENARIOS, Scenario
from benchmarks.load import load
from benchmarks.models import FOLDER, customers, make_models, write_bodies
from benchmarks.report import table_of, write_figures
from benchmarks.servers import OURS, ROOT, Server, running

SETTLE_SECONDS = 2
"""How long workers are let alone before their memory is looked at."""
DIRECT = [scenario for scenario in SCENARIOS if not scenario.behind_nginx]


class Round(NamedTuple):
    """What one round saw of each tree, the other one first: clients' requests a second, and processor time of each."""

    rates: tuple[float, float]
    cpu_seconds: tuple[float, float]


def run(other: Path, rounds: int, seconds: int, *, dry: bool) -> None:
    """Load both trees, each with models that it has trained itself, and write benchmarks/README.md unless `dry`.

    The other one needs a virtual environment of its own, which its `make serve` or `make test` makes.
    """
    models = make_models(FOLDER)
    records, _ = customers(FOLDER, models)
    bodies = write_bodies(FOLDER, records)
    others = make_models(FOLDER / "against", root=other.resolve())
    with ExitStack() as stack:
        servers = (
            stack.enter_context(running(OURS, others, root=other.resolve())),
            stack.enter_context(running(OURS, models, root=ROOT)),
        )
        rows = [_row(scenario, _rounds(scenario, servers, bodies, rounds, seconds)) for scenario in DIRECT]
        time.sleep(SETTLE_SECONDS)
        memory = [server.pss_megabytes() for server in servers]
        rows.append(
            ["memory of all processes (PSS), MB", *_pair(memory, "{:,.0f}"), f"{memory[1] / memory[0]:.3f}", ""]
        )
        rows.append(["first answer after, s", *_pair([s.start_seconds for s in servers], "{:.2f}"), "", ""])
    head = ["", "other tree", "this tree", "ratio (quartiles)", "ratio of processor time"]
    write_figures("against", table_of(head, rows), dry=dry)


def _rounds(
    scenario: Scenario, servers: tuple[Server, Server], bodies: tuple[Path, Path], rounds: int, seconds: int
) -> list[Round]:
    result = []
    for number in range(rounds):
        # Whichever comes first has the machine as the round before has left it.
        seen = {index: _seen(scenario, servers[index], bodies, seconds) for index in ((0, 1), (1, 0))[number % 2]}
        (rate, cpu), (own_rate, own_cpu) = seen[0], seen[1]
        result.append(Round((rate, own_rate), (cpu, own_cpu)))
        print(f"[{number + 1}/{rounds}] {scenario.title}: {own_rate / rate:.3f}", flush=True)
    return result


def _seen(scenario: Scenario, server: Server, bodies: tuple[Path, Path], seconds: int) -> tuple[float, float]:
    """Requests a second, and processor seconds a request."""
    before = server.cpu_seconds()
    body = bodies[scenario.rows > 1]
    seen = load(server.url + scenario.route, body, connections=scenario.connections, seconds=seconds, key=server.key)
    if seen.bad:
        raise SystemExit(f"{server.url} gave {seen.bad} bad answers")
    return seen.rate, (server.cpu_seconds() - before) / seen.requests


def _row(scenario: Scenario, rounds: Sequence[Round]) -> list[str]:
    rates = [statistics.median(result.rates[index] for result in rounds) * scenario.rows for index in (0, 1)]
    ratios = [result.rates[1] / result.rates[0] for result in rounds]
    low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    processor = statistics.median(result.cpu_seconds[1] / result.cpu_seconds[0] for result in rounds)
    unit = "requests/s" if scenario.rows == 1 else "rows/s"
    spread = f"{middle:.3f} ({low:.3f} to {high:.3f})"
    return [f"{scenario.title}, {unit}", *_pair(rates, "{:,.0f}"), spread, f"{processor:.3f}"]


def _pair(figures: Sequence[float], shape: str) -> list[str]:
    return [shape.format(figure) for figure in figures]
