"""Requests a second by each protocol, beside `/api/v1`, MLflow's scoring server and MLServer."""

import json
import re
import statistics
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.compare import TOLERANCE
from benchmarks.door_bodies import (
    INSTANCES,
    MLFLOW_PEER,
    MLFLOW_SPLIT,
    MLSERVER_PEER,
    OWN,
    V2_BINARY,
    V2_JSON,
    Body,
    Protocol,
)
from benchmarks.load import load
from benchmarks.models import FOLDER, customers, make_models
from benchmarks.protocol_servers import ENVIRONMENTS, MLFLOW, MLSERVER, installed, protocol_server
from benchmarks.report import table_of, write_figures
from benchmarks.servers import OURS, Server, running
from churn_api.contract.signature import Signature
from churn_api.registry.bundle import read_card

CONNECTIONS = 8
OWN_ROUTE = "/api/v1"
SIZES = {1: "one customer, requests/s", 1000: "1,000 customers, rows/s"}
DOORS: dict[str, tuple[Protocol, str]] = {
    "V2, binary tensors": (V2_BINARY, "/v2/models/boosting/infer"),
    "V2, JSON": (V2_JSON, "/v2/models/boosting/infer"),
    "KServe V1": (INSTANCES, "/v1/models/boosting:predict"),
    "Vertex AI": (INSTANCES, "/v1/projects/p/locations/l/endpoints/boosting:predict"),
    "Azure ML": (INSTANCES, "/score"),
    "MLflow": (MLFLOW_SPLIT, "/invocations"),
}
PEERS = {
    MLFLOW: (MLFLOW_PEER, "/invocations"),
    MLSERVER: (MLSERVER_PEER, "/v2/models/boosting/infer"),
}


class Target(NamedTuple):
    """What is loaded with one number of customers."""

    title: str
    server: Server
    path: str
    body: Path
    headers: dict[str, str]


def run(rounds: int, seconds: int, *, dry: bool) -> None:
    """Check and load every protocol in turn, and write benchmarks/README.md unless `dry`."""
    models = make_models(FOLDER)
    signature = read_card(models / "boosting" / "1").signature
    records, expected = _without_gaps(*customers(FOLDER, models), signature)
    with ExitStack() as stack:
        peers = dict(_peers(stack, models / "boosting" / "1"))
        server = stack.enter_context(running(OURS, models, CHURN_DEFAULT_MODEL="boosting"))
        tables = []
        for rows, title in SIZES.items():
            targets = list(_targets(server, peers, records[:rows], signature, expected))
            tables.append(f"### {title}\n\n{_table(_load(targets, rounds, seconds), rows)}")
    write_figures("doors", "\n\n".join(tables), dry=dry)


def _without_gaps(
    records: Sequence[dict[str, Any]], expected: dict[str, list[float]], signature: Signature
) -> tuple[list[dict[str, Any]], list[float]]:
    """As many customers with every value, some of them repeatedly: MLServer reads no gaps in JSON."""
    names = [feature.name for feature in signature.features]
    whole = [number for number, record in enumerate(records) if all(record.get(name) is not None for name in names)]
    chosen = list(islice(cycle(whole), len(records)))
    return [records[number] for number in chosen], [expected["boosting"][number] for number in chosen]


def _peers(stack: ExitStack, bundle: Path) -> Iterator[tuple[str, Server]]:
    """Those that are installed."""
    for name in PEERS:
        if name not in installed():
            print(f"{name} is left out: `make {ENVIRONMENTS[name].name}/done` installs it")
            continue
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        yield name, stack.enter_context(protocol_server(name, bundle, Path(folder)))


def _targets(
    server: Server,
    peers: dict[str, Server],
    records: Sequence[dict[str, Any]],
    signature: Signature,
    expected: Sequence[float],
) -> Iterator[Target]:
    """What is loaded, each with its answer checked."""
    own = f"{OWN_ROUTE}/{'predict' if len(records) == 1 else 'batch-predict'}/boosting"
    ours = {OWN_ROUTE: (OWN, own)} | DOORS
    for title, (protocol, path) in ours.items():
        yield _target(title, server, path, protocol, protocol.body(records, signature), expected)
    for name, peer in peers.items():
        protocol, path = PEERS[name]
        title = f"{name}'s own server" if name == MLFLOW else name
        yield _target(title, peer, path, protocol, protocol.body(records, signature), expected)


def _target(title: str, server: Server, path: str, protocol: Protocol, body: Body, expected: Sequence[float]) -> Target:
    """One whose answer is what the pipeline itself gives; another is not worth timing."""
    headers = {**body.headers, **({"X-API-Key": server.key} if server.key else {})}
    request = urllib.request.Request(server.url + path, body.content, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        result = protocol.probabilities(json.load(response))
    worst = max(abs(one - other) for one, other in zip(result, expected, strict=False))
    if not result or worst > TOLERANCE:
        raise SystemExit(f"{title} is off by {worst:.3g}")
    file = FOLDER / f"{re.sub('[^a-z0-9]+', '-', title.lower())}-{len(result)}.body"
    file.write_bytes(body.content)
    return Target(title, server, path, file, headers)


class Run(NamedTuple):
    """One run: requests a second, and processor time of a request in microseconds."""

    rate: float
    cpu: float


Runs = dict[str, list[Run]]
"""By title, in the order of the rounds."""


def _load(targets: Sequence[Target], rounds: int, seconds: int) -> Runs:
    runs: Runs = {target.title: [] for target in targets}
    for number in range(rounds):
        # Whichever comes first has the machine as the round before has left it.
        for target in targets[:: 1 if number % 2 else -1]:
            options = {"connections": CONNECTIONS, "seconds": seconds}
            before = target.server.cpu_seconds()
            seen = load(target.server.url + target.path, target.body, headers=target.headers, **options)
            if seen.bad:
                raise SystemExit(f"{target.title} gave {seen.bad} bad answers")
            cpu = (target.server.cpu_seconds() - before) / seen.requests * 1e6
            runs[target.title].append(Run(seen.rate, cpu))
            print(f"[{number + 1}/{rounds}] {target.title}: {seen.rate:,.0f}/s", flush=True)
    return runs


def _table(runs: Runs, rows: int) -> str:
    """Medians, and medians of the ratios within each round."""
    others = [title for title in runs if title not in DOORS]
    head = ["protocol", "rate", *(f"× {title}" for title in others), "CPU µs a request"]
    lines = []
    for title, result in runs.items():
        pairs = {other: zip(result, runs[other], strict=True) for other in others}
        ratios = [statistics.median(one.rate / two.rate for one, two in pairs[other]) for other in others]
        shown = [f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}" for ratio in ratios]
        rate, cpu = (statistics.median(getattr(run, figure) for run in result) for figure in ("rate", "cpu"))
        lines.append([title, f"{rate * rows:,.0f}", *shown, f"{cpu:,.0f}"])
    return table_of(head, lines)
