"""What each override of Flask's own ways saves a prediction: one that saves nothing has to go."""

import multiprocessing
import random
import statistics
import tempfile
from typing import Any

from benchmarks.metrics import ROUTES, app_of, asking, timed
from benchmarks.models import FOLDER, customers, make_models
from benchmarks.report import table_of, write_figures

TIMES = 100
"""Predictions of one turn."""
AS_IT_IS = "as it is"


def run(rounds: int, *, dry: bool) -> None:
    """Measure, and write benchmarks/README.md unless `dry`."""
    models = make_models(FOLDER)
    records, _ = customers(FOLDER, models)
    with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(1) as pool:
        seen = pool.apply(_measured, (folder, str(models), records[0], rounds))
    rows = [[name, f"{statistics.median(times):.1f}", *_against(times, seen[AS_IT_IS])] for name, times in seen.items()]
    write_figures("overrides", table_of(["without", "µs", "µs more", "ratio"], rows), dry=dry)


def _measured(folder: str, models: str, record: dict[str, Any], rounds: int) -> dict[str, list[float]]:
    """Microseconds of a prediction by turn, without one override after another, in an order of chance."""
    app, _ = app_of(folder, models)
    ask = asking(app, ROUTES[0], record)
    timed(ask, TIMES)
    seen: dict[str, list[float]] = {name: [] for name in (AS_IT_IS, *_without())}
    names = list(seen)
    for _ in range(rounds):
        random.shuffle(names)
        for name in names:
            put_back = _without()[name](app) if name != AS_IT_IS else []
            seen[name].append(timed(ask, TIMES))
            for owner, attribute, value in put_back:
                setattr(owner, attribute, value)
    return seen


def _without() -> dict[str, Any]:
    """By override: what takes it off an application, and returns what to put back."""

    def by_flask(app: Any) -> list[tuple[Any, str, Any]]:
        direct = app.direct
        app.direct = None
        return [(app, "direct", direct)]

    return {"direct dispatch": by_flask}


def _against(times: list[float], base: list[float]) -> list[str]:
    more = statistics.median(one - other for one, other in zip(times, base, strict=True))
    ratio = statistics.median(one / other for one, other in zip(times, base, strict=True))
    return [f"{more:.1f}", f"{ratio:.3f}"]
