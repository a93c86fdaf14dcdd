"""What metrics add to a request, and what a scrape takes after a thousand workers came and went."""

import io
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.models import FOLDER, customers, make_models
from benchmarks.report import table_of, write_figures

SCRAPES = 30
BATCH = 1000
ROUTES = ("/api/v1/predict/boosting", "/api/v1/batch-predict/boosting")


def run(rounds: int, restarts: int, *, dry: bool) -> None:
    """Measure, and write benchmarks/README.md unless `dry`."""
    models = make_models(FOLDER)
    records, _ = customers(FOLDER, models)
    bodies = {ROUTES[0]: records[0], ROUTES[1]: {"customers": records[:BATCH]}}
    with tempfile.TemporaryDirectory() as folder:
        # In processes of their own: where values live is decided when prometheus_client is imported.
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            requests = pool.apply(_requests, (folder, str(models), bodies, rounds))
        with context.Pool(1) as pool:
            scrapes = pool.apply(_scrapes, (folder, str(models), bodies, restarts))
    head = ["request", "µs without metrics", "µs with", "µs more", "ratio"]
    rows = [
        [name, f"{without:,.0f}", f"{counted:,.0f}", f"{counted - without:.1f}", f"{counted / without:.3f}"]
        for name, without, counted in requests
    ]
    output = table_of(["scrape", "p50 ms", "max ms", "files"], scrapes)
    write_figures("metrics", f"{table_of(head, rows)}\n\n{output}", dry=dry)


def app_of(folder: str, models: str) -> tuple[Any, Any]:
    """Return the application over the models in ``models``, and the group its metrics are kept in, below ``folder``."""
    from churn_api.telemetry import multiprocess_dir as groups

    group = groups.begin(Path(folder) / "metrics")

    from churn_api.app import create_app
    from churn_api.config import load_settings
    from churn_api.services import Services
    from churn_api.store.schema import upgrade

    settings = {"INSTANCE_DIR": folder, "MODELS_DIR": models, "AUTH": "open", "RATELIMIT_ENABLED": False}
    services = Services(load_settings(settings))
    upgrade(services.database)
    for bundle in sorted(Path(models).glob("*/1")):
        services.management.register(f"{bundle.parent.name}/1", by="benchmark")
        services.management.make_live(bundle.parent.name, "1", by="benchmark")
    return create_app(settings | {"TESTING": True}), group


def _requests(folder: str, models: str, bodies: dict[str, Any], rounds: int) -> list[tuple[str, float, float]]:
    """By request: the median of its time without what counts and with it, turn by turn."""
    app, _ = app_of(folder, models)

    from churn_api.web.core.request_metrics import RequestMetrics

    # What is taken away and given back is what is measured.
    boundary, data_plane = app.wsgi_app, app.extensions["churn_api"].data_plane
    observers, output = boundary._observers, data_plane._observers  # noqa: SLF001
    others = tuple(observer for observer in observers if not isinstance(observer, RequestMetrics))
    result = []
    for route, times in zip(ROUTES, (400, 40), strict=True):
        seen: dict[bool, list[float]] = {False: [], True: []}
        ask = asking(app, route, bodies[route])
        timed(ask, times)
        for turn in range(rounds):
            for counted in (False, True) if turn % 2 else (True, False):
                boundary._observers = observers if counted else others  # noqa: SLF001
                data_plane._observers = output if counted else []  # noqa: SLF001
                seen[counted].append(timed(ask, times))
        result.append((route, statistics.median(seen[False]), statistics.median(seen[True])))
    return result


def asking(app: Any, route: str, payload: Any) -> Callable[[], None]:
    """Return a function that posts ``payload`` to ``route`` through the WSGI application, without a server."""
    body = json.dumps(payload).encode()
    environ = app.test_request_context(route, method="POST", data=body, content_type="application/json").request.environ
    plain = {name: value for name, value in environ.items() if isinstance(value, str)}
    plain |= {"wsgi.url_scheme": "http", "wsgi.input_terminated": True, "wsgi.errors": io.StringIO()}
    plain["REMOTE_ADDR"] = "127.0.0.1"  # whom AUTH=open is for

    def ask() -> None:
        status: list[str] = []
        answer = app.wsgi_app(plain | {"wsgi.input": io.BytesIO(body)}, lambda output, *_: status.append(output))
        b"".join(answer)
        answer.close()
        if not status[0].startswith("200"):
            # No SystemExit: a pool whose process ends waits for ever.
            raise RuntimeError(f"{route} answers {status[0]}")

    return ask


def timed(ask: Callable[[], None], times: int) -> float:
    """Microseconds of processor time a request: others use the machine too."""
    started = time.process_time()
    for _ in range(times):
        ask()
    return (time.process_time() - started) / times * 1e6


def _scrapes(folder: str, models: str, bodies: dict[str, Any], restarts: int) -> list[list[str]]:
    """What a scrape takes of two workers at the beginning, and after many more came and went."""
    app, group = app_of(folder, models)

    from churn_api.telemetry import multiprocess
    from churn_api.web.core.app_metrics import metrics_of

    metrics = metrics_of(app)
    asks = [asking(app, route, bodies[route]) for route in ROUTES]
    paths = [rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]

    def work() -> None:
        metrics.start_process()
        metrics.update_models()
        for ask in asks:
            ask()
        with app.test_client() as client:
            for path in paths:
                client.get(path)

    living = [_forked(work, then=signal_wait) for _ in range(2)]
    time.sleep(3)
    rows = [_scraped("two workers, every route asked", metrics, group)]
    for _ in range(restarts):
        os.waitpid(_forked(asks[0]), 0)
        multiprocess.compact(group)
    rows.append(_scraped(f"after {restarts:,} restarts", metrics, group))
    for pid in living:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return rows


def signal_wait() -> None:
    """Stay alive until killed."""
    while True:
        time.sleep(60)


def _forked(work: Callable[[], None], then: Callable[[], None] = lambda: None) -> int:
    pid = os.fork()
    if pid == 0:
        work()
        then()
        os._exit(0)
    return pid


def _scraped(title: str, metrics: Any, group: Path) -> list[str]:
    taken = []
    for _ in range(SCRAPES):
        started = time.perf_counter()
        metrics.exporter.generate_metrics()
        taken.append((time.perf_counter() - started) * 1000)
    files = len([*group.glob("**/*.db")])
    return [title, f"{statistics.median(taken):.1f}", f"{max(taken):.1f}", str(files)]
