"""`python -m benchmarks`: start each server, check its answers, load it, and write the table.

Bounded in time; everything that it starts it stops.
"""

import argparse
import json
import shutil
import statistics
import urllib.request
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.load import Seen, load
from benchmarks.models import customers, make_models
from benchmarks.report import write_table
from benchmarks.servers import ANSWERS_CONSTANT, COMMANDS, ROOT, Server, running

FOLDER = ROOT / "instance" / "bench"
TOLERANCE = 1e-6


class Scenario(NamedTuple):
    """One kind of load."""

    title: str
    route: str
    rows: int
    connections: int


SCENARIOS = (
    Scenario("one customer, 8 connections", "/api/v1/predict/boosting", 1, 8),
    Scenario("one customer, 1 connection", "/api/v1/predict/boosting", 1, 1),
    Scenario("1,000 customers, boosted", "/api/v1/batch-predict/boosting", 1000, 8),
    Scenario("1,000 customers, logistic", "/api/v1/batch-predict/logistic", 1000, 8),
)


class Run(NamedTuple):
    """One run of one scenario against one server."""

    seen: Seen
    cpu_seconds: float


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=COMMANDS, action="append", help="a server; may be repeated")
    parser.add_argument("--seconds", type=int, default=4, help="length of a run (default 4)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each scenario, in turn (default 3)")
    parser.add_argument("--dry", action="store_true", help="print the table and leave benchmarks/README.md as it is")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is needed: apt-get install wrk")
    models = make_models(FOLDER)
    records, expected = customers(FOLDER, models)
    one, many = FOLDER / "one.json", FOLDER / "many.json"
    one.write_text(json.dumps(records[0]))
    many.write_text(json.dumps({"customers": records}))
    with ExitStack() as stack:
        servers = [stack.enter_context(running(name, models)) for name in options.only or COMMANDS]
        for server in servers:
            _check(server, many, expected)
        runs = _load(servers, one, many, options.rounds, options.seconds)
        write_table(servers, SCENARIOS, runs, dry=options.dry)


def _check(server: Server, body: Path, expected: dict[str, list[float]]) -> None:
    """A server that answers anything but the pipelines' own probabilities is not worth timing."""
    if server.name == ANSWERS_CONSTANT:
        return
    for model, probabilities in expected.items():
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{server.url}/api/v1/batch-predict/{model}", body.read_bytes(), headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            answer: dict[str, Any] = json.load(response)
        found = [row["churn_probability"] for row in answer["predictions"]]
        worst = max(abs(one - other) for one, other in zip(found, probabilities, strict=True))
        if worst > TOLERANCE:
            raise SystemExit(f"{server.name} is off by {worst:.3g} on {model}")


def _load(servers: list[Server], one: Path, many: Path, rounds: int, seconds: int) -> dict[tuple[str, str], list[Run]]:
    """Every scenario against every server in turn, round by round: what drifts, drifts for all of them."""
    runs: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for number in range(1, rounds + 1):
        for scenario in SCENARIOS:
            for server in servers:
                before = server.cpu_seconds()
                body = one if scenario.rows == 1 else many
                seen = load(server.url + scenario.route, body, connections=scenario.connections, seconds=seconds)
                runs[scenario.title, server.name].append(Run(seen, server.cpu_seconds() - before))
                print(f"[{number}/{rounds}] {scenario.title}: {server.name} {seen.rate:,.0f}/s", flush=True)
                if seen.bad:
                    raise SystemExit(f"{server.name} gave {seen.bad} bad answers")
    return runs


def median(runs: list[Run], figure: str) -> float:
    """The middle of one of a run's figures."""
    return statistics.median(getattr(run.seen, figure) for run in runs)


if __name__ == "__main__":
    main()
