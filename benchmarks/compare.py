"""Compares the service with others: each server's answers are checked, each is loaded in turn, one table per load."""

import json
import statistics
import urllib.request
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.load import Seen, load
from benchmarks.models import FOLDER, customers, make_models, write_bodies
from benchmarks.report import table_of, write_figures
from benchmarks.servers import ANSWERS_CONSTANT, OURS, Server, running

TOLERANCE = 1e-6


class Scenario(NamedTuple):
    """One kind of load."""

    title: str
    route: str
    rows: int
    connections: int
    behind_nginx: bool = False


SCENARIOS = (
    Scenario("one customer, 8 connections", "/api/v1/predict/boosting", 1, 8),
    Scenario("one customer, 1 connection", "/api/v1/predict/boosting", 1, 1),
    Scenario("1,000 customers, boosted", "/api/v1/batch-predict/boosting", 1000, 8),
    Scenario("1,000 customers, logistic", "/api/v1/batch-predict/logistic", 1000, 8),
    Scenario("one customer, 8 connections, behind nginx", "/api/v1/predict/boosting", 1, 8, behind_nginx=True),
    Scenario("1,000 customers, logistic, behind nginx", "/api/v1/batch-predict/logistic", 1000, 8, behind_nginx=True),
)


class Run(NamedTuple):
    """One run of one scenario against one server."""

    seen: Seen
    cpu_seconds: float


def run(names: list[str], rounds: int, seconds: int, *, dry: bool) -> None:
    """Start, check and load the named servers, and write benchmarks/README.md unless `dry`."""
    models = make_models(FOLDER)
    records, expected = customers(FOLDER, models)
    one, many = write_bodies(FOLDER, records)
    with ExitStack() as stack:
        direct = [stack.enter_context(running(name, models)) for name in names]
        proxied = [
            stack.enter_context(running(name, models, behind_nginx=True))
            for name in names
            if name in (ANSWERS_CONSTANT, OURS)
        ]
        for server in (*direct, *proxied):
            _check(server, many, expected)
        runs = _load(direct, proxied, (one, many), rounds, seconds)
        tables = [_table(scenario, runs[scenario.title]) for scenario in SCENARIOS]
        write_figures("table", "\n\n".join([*tables, _cost_table(direct)]), dry=dry)


def _check(server: Server, body: Path, expected: dict[str, list[float]]) -> None:
    """A server that answers anything but the pipelines' own probabilities is not worth timing."""
    if server.name == ANSWERS_CONSTANT:
        return
    for model, probabilities in expected.items():
        headers = {"Content-Type": "application/json", "X-API-Key": server.key}
        request = urllib.request.Request(f"{server.url}/api/v1/batch-predict/{model}", body.read_bytes(), headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            answer: dict[str, Any] = json.load(response)
        result = [row["churn_probability"] for row in answer["predictions"]]
        worst = max(abs(one - other) for one, other in zip(result, probabilities, strict=True))
        if worst > TOLERANCE:
            raise SystemExit(f"{server.name} is off by {worst:.3g} on {model}")


Runs = dict[str, list[Run]]
"""By server."""


def _load(
    direct: list[Server], proxied: list[Server], bodies: tuple[Path, Path], rounds: int, seconds: int
) -> dict[str, Runs]:
    """Every scenario against every server in turn, round by round: what drifts, drifts for all of them."""
    runs: dict[str, Runs] = defaultdict(lambda: defaultdict(list))
    for number in range(1, rounds + 1):
        for scenario in SCENARIOS:
            for server in proxied if scenario.behind_nginx else direct:
                before = server.cpu_seconds()
                body = bodies[scenario.rows > 1]
                seen = load(
                    server.url + scenario.route, body, connections=scenario.connections, seconds=seconds, key=server.key
                )
                runs[scenario.title][server.name].append(Run(seen, server.cpu_seconds() - before))
                print(f"[{number}/{rounds}] {scenario.title}: {server.name} {seen.rate:,.0f}/s", flush=True)
                if seen.bad:
                    raise SystemExit(f"{server.name} gave {seen.bad} bad answers")
    return runs


def _table(scenario: Scenario, runs: Runs) -> str:
    unit = "requests/s" if scenario.rows == 1 else "rows/s"
    rows = []
    for name, result in runs.items():
        rate = _middle(result, "rate")
        share = f"{_share(result, runs[ANSWERS_CONSTANT]):.2f}" if ANSWERS_CONSTANT in runs else ""
        latencies = [f"{_middle(result, figure):.2f}" for figure in ("p50", "p95", "p99")]
        cpu = statistics.median(run.cpu_seconds / run.seen.requests for run in result) * 1e6
        rows.append([name, f"{rate * scenario.rows:,.0f}", share, *latencies, f"{cpu:,.0f}"])
    head = ["server", unit, "× floor", "p50 ms", "p95 ms", "p99 ms", "CPU µs a request"]
    return f"### {scenario.title}\n\n{table_of(head, rows)}"


def _share(runs: list[Run], floor: list[Run]) -> float:
    """Of the floor's rate in the same round: what a shared machine takes away, it takes from both."""
    return statistics.median(run.seen.rate / other.seen.rate for run, other in zip(runs, floor, strict=True))


def _cost_table(servers: list[Server]) -> str:
    head = ["server", "memory of all processes (PSS), MB", "first answer after, s"]
    rows = [[server.name, f"{server.pss_megabytes():,.0f}", f"{server.start_seconds:.2f}"] for server in servers]
    return f"### Cost of a server\n\n{table_of(head, rows)}"


def _middle(runs: list[Run], figure: str) -> float:
    return statistics.median(getattr(run.seen, figure) for run in runs)
