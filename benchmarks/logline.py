"""The cost of a line of the log, written to a pipe that another process reads."""

import json
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.report import table_of, write_figures
from benchmarks.servers import ROOT
from churn_api.access.caller import AuthResult, Caller
from churn_api.config import load_settings
from churn_api.telemetry import logs
from churn_api.web.core.access_log import AccessLog
from churn_api.web.core.flask_app import Api
from churn_api.web.core.request_record import RequestRecord
from churn_api.web.core.tracing import RequestTracing
from churn_api.web.core.wsgi_middleware import Observer

LINES, ROUNDS = 5_000, 9
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNREACHABLE = "http://127.0.0.1:9"
"""A collector that is away: what a request pays is the same, and nothing is sent."""


def run(*, dry: bool) -> None:
    """Measure in a process of its own, whose lines are read here; writes benchmarks/README.md unless `dry`."""
    command = [sys.executable, "-m", "benchmarks.logline"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    measured = json.loads(done.stderr)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if len(lines) < LINES * ROUNDS * len(measured):
        raise SystemExit(f"only {len(lines)} lines came")
    rows = [[what, f"{cpu:.1f}", f"{wall:.1f}"] for what, (cpu, wall) in measured.items()]
    write_figures("logline", table_of(["line", "CPU µs", "µs"], rows), dry=dry)


def _measure() -> None:
    settings = load_settings({"LOG_FORMAT": "json"})
    logs.configure(settings)
    log = logging.getLogger("churn_api.benchmarks")
    app = _app(settings)
    plain, traced, exporting = (
        AccessLog(app),
        RequestTracing(app),
        RequestTracing(_app(settings | {"OTLP_ENDPOINT": UNREACHABLE})),
    )
    cases: dict[str, Callable[[], object]] = {
        "a request's": lambda: _observed(app, plain),
        "a request's, with a `traceparent`": lambda: _observed(app, traced, plain, HTTP_TRACEPARENT=TRACEPARENT),
        "a request's, and its span": lambda: _observed(app, exporting, plain, HTTP_TRACEPARENT=TRACEPARENT),
        "a record of `logging`": lambda: log.info("model %r: version %s answers", "default", "2"),
    }
    json.dump({what: _cost(write) for what, write in cases.items()}, sys.stderr)


def _app(settings: dict[str, Any]) -> Api:
    app = Api("benchmarks")
    app.config.from_mapping(settings)
    return app


def _observed(app: Api, *observers: Observer, **headers: str) -> None:
    """All that observers do about a prediction with a key."""
    environ = {"REQUEST_METHOD": "POST", "REMOTE_ADDR": "10.1.2.3", "wsgi.url_scheme": "http", **headers}
    record = RequestRecord(app, environ, "eb75f7b08b3cd92f7b07b545d833c152", 0.0)
    for observer in observers:
        observer.request_started(record)
    record.auth = AuthResult(Caller("key:aaaaaaaaaaaa", "crm", frozenset()), None)
    record.route, record.model, record.version = "/api/v1/predict", "default", "2"
    record.status, record.sent_bytes, record.rows, record.seconds = 200, 292, 1, 0.000_512
    for observer in observers:
        observer.request_finished(record)


def _cost(write: Callable[[], object]) -> tuple[float, float]:
    """Microseconds of the processor's time, and of the clock's: the medians over the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(LINES):
            write()
        rounds.append((time.process_time() - cpu, time.perf_counter() - wall))
    return tuple(statistics.median(times) / LINES * 1e6 for times in zip(*rounds, strict=True))  # type: ignore[return-value]


if __name__ == "__main__":
    _measure()
