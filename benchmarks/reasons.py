"""What reasons cost: a record and a thousand, a request, the packaging of a bundle, its size and a worker's memory."""

import multiprocessing
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.load import load
from benchmarks.metrics import app_of, asking, timed
from benchmarks.models import MODELS, customers, make_models, write_bodies
from benchmarks.report import table_of, write_figures
from benchmarks.servers import OURS, Server, running

MANY = 1000
CONNECTIONS = 4
SECONDS = 2
REQUESTS = {"plain": "", "?threshold=0.4": "?threshold=0.4", "?reasons=3": "?reasons=3"}


def run(rounds: int, table: Path | None, target: str, identifier: str, *, dry: bool) -> None:
    """Measure on sample data, or on `table`; writes benchmarks/README.md unless `dry`."""
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as folder:
        models = make_models(Path(folder), table, target, identifier)
        records, _ = customers(Path(folder), models)
        context = multiprocessing.get_context("spawn")
        scoring, requests = [], []
        for name in MODELS:
            with context.Pool(1) as pool:
                scoring.append([name, *pool.apply(_scored, (models / name / "1", records, rounds))])
                requests.append([name, *pool.apply(_requested, (folder, str(models), name, records[0], rounds))])
            with context.Pool(1) as pool:
                scoring[-1] += pool.apply(_packaged, (Path(folder), models / name / "1"))
                scoring[-1].append(_memory(context, models / name / "1"))
        body, _ = write_bodies(Path(folder), records)
        with running(OURS, models) as server:
            served = [[name, *_served(server, f"{server.url}/api/v1/predict/{name}", body, rounds)] for name in MODELS]
    head = ["model", "one record, µs", "with reasons", "1,000 rows, rows/s", "with reasons"]
    head += ["packaging reasons, s", "`model.onnx`, KB", "`reasons.onnx`, KB", "memory, MB"]
    tables = [table_of(head, scoring)] + [
        table_of([f"request, µs of processor time, {where}", *REQUESTS, "ratio"], rows)
        for where, rows in (("in one process in a loop", requests), ("by a worker as shipped", served))
    ]
    text = "\n\n".join(tables)
    write_figures("reasons", text if table is None else f"{table.name}:\n\n{text}", dry=dry)


def _fastest(call: Callable[[], Any], times: int, rounds: int) -> float:
    """The fewest microseconds of processor time: what others do on the machine only adds."""
    return min(timed(call, times) for _ in range(rounds))


def _scored(bundle: Path, records: list[dict[str, Any]], rounds: int) -> list[str]:
    """Scoring alone, without a request: one record and many, without and with reasons."""
    from churn_api.registry.model import load_model

    model = load_model(bundle)
    rows = [tuple(record.get(feature.name) for feature in model.card.signature.features) for record in records[:MANY]]
    from churn_api.contract.columns import ColumnsBuilder

    columns = ColumnsBuilder(model.card.signature).build_from_rows(rows)
    one, explainer = columns.take([0]), model.explainer()
    ways = (model.score, explainer.explain)
    alone = [_fastest(partial(way, one), 200, rounds) for way in ways]
    many = [_fastest(partial(way, columns), 5, rounds) for way in ways]
    return [*(f"{time:.1f}" for time in alone), *(f"{columns.rows / time * 1e6:,.0f}" for time in many)]


def _requested(folder: str, models: str, name: str, record: dict[str, Any], rounds: int) -> list[str]:
    """A request through the WSGI application, without a server, in turns."""
    app, _ = app_of(folder, models)
    asks = [asking(app, f"/api/v1/predict/{name}{query}", record) for query in REQUESTS.values()]
    for ask in asks:
        timed(ask, 100)
    turns = [[timed(ask, 100) for ask in asks] for _ in range(rounds)]
    fewest = [min(times) for times in zip(*turns, strict=True)]
    return [*(f"{time:.1f}" for time in fewest), f"{fewest[-1] / fewest[0]:.3f}"]


def _served(server: Server, url: str, body: Path, rounds: int) -> list[str]:
    """The same over HTTP, in turns: medians, also of the ratios within each round. Between requests, caches cool."""
    turns = [[_cpu(server, url + query, body) for query in REQUESTS.values()] for _ in range(rounds)]
    medians = [statistics.median(times) for times in zip(*turns, strict=True)]
    ratio = statistics.median(times[-1] / times[0] for times in turns)
    return [*(f"{time:.0f}" for time in medians), f"{ratio:.3f}"]


def _cpu(server: Server, url: str, body: Path) -> float:
    before = server.cpu_seconds()
    seen = load(url, body, connections=CONNECTIONS, seconds=SECONDS, key=server.key)
    if seen.bad:
        raise SystemExit(f"{server.name} gave {seen.bad} bad answers")
    return (server.cpu_seconds() - before) / seen.requests * 1e6


def _packaged(folder: Path, bundle: Path) -> list[str]:
    """The seconds that packaging takes for reasons, and the sizes of both graphs."""
    from churn_api.contract.columns import ColumnsBuilder
    from churn_api.registry.bundle import ONNX_FILE, REASONS_FILE, read_card
    from churn_api.tables.training_table import read_table, to_columns
    from churn_api.training.reasons.packaged_reasons import package_reasons

    card = read_card(bundle)
    columns = to_columns(read_table(folder / "customers.csv"), card.signature)
    golden = ColumnsBuilder(card.signature).build_from_rows(card.golden.rows)
    graph = (bundle / ONNX_FILE).read_bytes()
    seconds = timed(lambda: package_reasons(graph, card.signature, columns, golden), 1) / 1e6
    sizes = [(bundle / name).stat().st_size / 1000 for name in (ONNX_FILE, REASONS_FILE)]
    return [f"{seconds:.2f}", *(f"{size:,.0f}" for size in sizes)]


def _memory(context: Any, bundle: Path) -> str:
    """Megabytes more that a process holds after it has explained many rows than after it has scored them."""
    grown = []
    for explain in (False, True):
        with context.Pool(1) as pool:
            grown.append(pool.apply(_resident, (bundle, explain)))
    return f"{(grown[1] - grown[0]) / 1e6:.1f}"


def _resident(bundle: Path, explain: bool) -> int:
    import psutil

    from churn_api.contract.columns import ColumnsBuilder
    from churn_api.registry.card import ReasonsProof
    from churn_api.registry.model import load_model, read_card

    card = read_card(bundle)
    columns = ColumnsBuilder(card.signature).build_from_rows(card.golden.rows * (MANY // len(card.golden.rows) + 1))
    if not explain:
        from churn_api.registry import model as loading

        loading.load_reasons = lambda *_: loading.LoadedReasons(None)
    model = load_model(bundle)
    assert isinstance(card.reasons, ReasonsProof)
    for _ in range(5):
        model.score(columns)
        if explain:
            model.explainer().explain(columns)
    resident: int = psutil.Process().memory_info().rss
    return resident
