"""A minute at 64 connections behind nginx, and 200 slow clients together with quick ones."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.load import Seen, load
from benchmarks.models import FOLDER, customers, make_models, write_bodies
from benchmarks.report import table_of, write_figures
from benchmarks.servers import OURS, ROOT, Server, running

DOCUMENT = ROOT / "docs" / "operations.md"
ROUTE = "/api/v1/predict/boosting"
CONNECTIONS, QUICK, SLOW = 64, 8, 200
WARM_UP_SECONDS = 5

SLOW_CLIENTS = {
    "send headers slowly": ["-H", "-i", "2"],
    "send bodies slowly": ["-B", "-i", "2", "-s", "8192", "-f", "application/json"],
    "read answers slowly": ["-X", "-w", "1", "-y", "2", "-n", "2", "-z", "1"],
}
"""Options of slowhttptest, by the behaviour of its clients."""


class Held(NamedTuple):
    """What one load did to a server; memory in megabytes."""

    load: str
    seen: Seen
    before: float
    after: float


def run(seconds: int, *, dry: bool) -> None:
    """Load, and write docs/operations.md unless `dry`."""
    models = make_models(FOLDER)
    records, _ = customers(FOLDER, models)
    one, _ = write_bodies(FOLDER, records)
    with running(OURS, models, behind_nginx=True) as server:
        load(server.url + ROUTE, one, connections=CONNECTIONS, seconds=WARM_UP_SECONDS, key=server.key)
        loads = [_held(server, one, CONNECTIONS, seconds, f"{CONNECTIONS} connections")]
        loads.append(_held(server, one, QUICK, seconds, f"{QUICK} connections, none slow"))
        for what, options in SLOW_CLIENTS.items():
            with _slow_clients(server.url + ROUTE, seconds, options):
                loads.append(_held(server, one, QUICK, seconds, f"{QUICK} connections with {SLOW} that {what}"))
    head = ["load", "requests", "other than 2xx", "requests/s", "p50 ms", "p99 ms", "memory before, after, MB"]
    write_figures("held", table_of(head, [_row(held) for held in loads]), document=DOCUMENT, dry=dry)


def _held(server: Server, body: Path, connections: int, seconds: int, title: str) -> Held:
    before = server.pss_megabytes()
    seen = load(server.url + ROUTE, body, connections=connections, seconds=seconds, key=server.key)
    held = Held(title, seen, before, server.pss_megabytes())
    print(f"{title}: {seen.rate:,.0f}/s, {seen.bad} bad", flush=True)
    return held


@contextmanager
def _slow_clients(url: str, seconds: int, options: list[str]) -> Iterator[None]:
    """SLOW clients at work, which must have connected and be held before the block begins."""
    command = ["slowhttptest", *options, "-c", str(SLOW), "-r", str(SLOW), "-l", str(seconds + 5), "-u", url]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            yield
        else:
            raise SystemExit(f"slowhttptest ended at once: {' '.join(command)}")
        finally:
            process.terminate()
            process.wait(timeout=10)


def _row(held: Held) -> list[str]:
    seen = held.seen
    figures = [f"{seen.requests:,}", f"{seen.bad:,}", f"{seen.rate:,.0f}", f"{seen.p50:.2f}", f"{seen.p99:.2f}"]
    return [held.load, *figures, f"{held.before:.1f}, {held.after:.1f}"]
