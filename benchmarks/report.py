"""The table that `make bench` prints and writes to benchmarks/README.md."""

import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psutil

from benchmarks.servers import ANSWERS_CONSTANT, ROOT, Server

README = ROOT / "benchmarks" / "README.md"
MARK = "<!-- figures: written by `make bench` -->"


def write_table(servers: list[Server], scenarios: Sequence[Any], runs: Any, *, dry: bool) -> None:
    """Print the figures, and put them into the README below its mark."""
    text = "\n\n".join([_when(), *(_scenario(scenario, servers, runs) for scenario in scenarios), _servers(servers)])
    print(text)
    if not dry:
        README.write_text(README.read_text().split(MARK)[0] + f"{MARK}\n\n{text}\n")


def _when() -> str:
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {machine}; medians, two workers each."


def _scenario(scenario: Any, servers: list[Server], runs: Any) -> str:
    by_server = {server.name: runs[scenario.title, server.name] for server in servers}
    floor = _middle(by_server[ANSWERS_CONSTANT], "rate") if ANSWERS_CONSTANT in by_server else None
    unit = "requests/s" if scenario.rows == 1 else "rows/s"
    columns = ["server", unit, "× floor", "p50 ms", "p95 ms", "p99 ms", "CPU µs a request"]
    head = f"### {scenario.title}\n\n| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    rows = []
    for name, found in by_server.items():
        rate = _middle(found, "rate")
        share = f"{rate / floor:.2f}" if floor else ""
        latencies = " | ".join(f"{_middle(found, figure):.2f}" for figure in ("p50", "p95", "p99"))
        cpu = statistics.median(run.cpu_seconds / run.seen.requests for run in found) * 1e6
        rows.append(f"| {name} | {rate * scenario.rows:,.0f} | {share} | {latencies} | {cpu:,.0f} |")
    return "\n".join([head, *rows])


def _servers(servers: list[Server]) -> str:
    head = (
        "### Cost of a server\n\n| server | memory of all processes (PSS), MB | first answer after, s |\n|---|---|---|"
    )
    rows = [f"| {server.name} | {server.pss_megabytes():,.0f} | {server.start_seconds:.2f} |" for server in servers]
    return "\n".join([head, *rows])


def _middle(runs: Any, figure: str) -> float:
    return statistics.median(getattr(run.seen, figure) for run in runs)
