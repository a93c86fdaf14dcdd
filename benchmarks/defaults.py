"""What the service costs as it is shipped, and what each of its parts adds: keys, limits, log, metrics."""

import json
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.load import Seen, load
from benchmarks.models import FOLDER, customers, make_models, write_bodies
from benchmarks.redis_server import redis_server
from benchmarks.report import README, table_of, write_figures
from benchmarks.servers import ANSWERS_CONSTANT, NO_LIMITS, OPEN, OURS, ROOT, WITHOUT_METRICS, Server, running

ROUTE = "/api/v1/predict/boosting"
CONNECTIONS = 8
CHART = README.with_name("defaults.svg")
NO_LOG = {"CHURN_LOG_LEVEL": "error"}

AS_SHIPPED = "as shipped: key, limits on the file, log, metrics"
BY_REDIS = "the same, limits by Redis"
KEY, LOG, METRICS = "without limits", "without limits and key", "without limits, key and log"
ALONE = "predictions alone: without metrics as well"
STEPS: dict[str, tuple[str, dict[str, str]]] = {
    ANSWERS_CONSTANT: (ANSWERS_CONSTANT, {}),
    AS_SHIPPED: (OURS, {}),
    BY_REDIS: (OURS, {}),
    KEY: (OURS, NO_LIMITS),
    LOG: (OURS, OPEN | NO_LIMITS),
    METRICS: (OURS, OPEN | NO_LIMITS | NO_LOG),
    ALONE: (WITHOUT_METRICS, OPEN | NO_LIMITS | NO_LOG),
}
"""By what it is called: a server, and its settings. Each of the last five has one part less than the one before it."""
PARTS = {
    "prediction": (ANSWERS_CONSTANT, ALONE),
    "metrics": (ALONE, METRICS),
    "log": (METRICS, LOG),
    "key": (LOG, KEY),
    "limits on the file": (KEY, AS_SHIPPED),
    "limits by Redis": (KEY, BY_REDIS),
}
"""Parts of a request in addition to the floor's: the step without it, and the one with it."""


class Run(NamedTuple):
    """One run of one step, and the processor time of a request in it, in microseconds."""

    seen: Seen
    cpu: float


Runs = dict[str, list[Run]]
"""By step, the rounds in order."""


def run(rounds: int, seconds: int, *, dry: bool) -> None:
    """Load every step in turn, and write benchmarks/README.md and the chart unless `dry`."""
    models = make_models(FOLDER)
    body, _ = write_bodies(FOLDER, customers(FOLDER, models)[0])
    runs: Runs = {name: [] for name in STEPS}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = {BY_REDIS: {"REDIS_URL": stack.enter_context(redis_server(folder))}}
        servers = {
            name: stack.enter_context(running(server, models, **settings, **redis.get(name, {})))
            for name, (server, settings) in STEPS.items()
        }
        for number in range(rounds):
            # Whichever comes first has the machine as the round before has left it.
            for name in list(servers)[:: 1 if number % 2 else -1]:
                runs[name].append(_measured(servers[name], body, seconds))
                print(f"[{number + 1}/{rounds}] {name}: {runs[name][-1].seen.rate:,.0f}/s", flush=True)
    steps = _steps(runs)
    write_figures("defaults", f"{_chart(CHART.name)}\n\n{steps}\n\n{_parts(runs)}", dry=dry)
    if not dry:
        shown = f"{steps}\n\n{_chart(f'benchmarks/{CHART.name}')}"
        write_figures("defaults", shown, document=ROOT / "README.md", dry=dry)
        _draw(runs)


def _measured(server: Server, body: Path, seconds: int) -> Run:
    before = server.cpu_seconds()
    seen = load(server.url + ROUTE, body, connections=CONNECTIONS, seconds=seconds, key=server.key)
    if seen.bad:
        raise SystemExit(f"{server.name} gave {seen.bad} bad answers")
    return Run(seen, (server.cpu_seconds() - before) / seen.requests * 1e6)


def _steps(runs: Runs) -> str:
    """Each step compared with the floor: medians, also of the ratios within each round."""
    rows = []
    for name, result in runs.items():
        rate, p99 = (statistics.median(getattr(run.seen, figure) for run in result) for figure in ("rate", "p99"))
        shares = [f"{share(runs, name, figure):.2f}" for figure in ("rate", "p99")]
        cpu = statistics.median(run.cpu for run in result)
        rows.append([name, f"{rate:,.0f}", shares[0], f"{p99:.2f}", shares[1], f"{cpu:,.0f}"])
    return table_of(["server", "requests/s", "× floor", "p99 ms", "× floor", "CPU µs a request"], rows)


def share(runs: Runs, name: str, figure: str) -> float:
    """A figure of a step by the floor's in the same round: what a shared machine takes away, it takes from both."""
    pairs = zip(runs[name], runs[ANSWERS_CONSTANT], strict=True)
    return statistics.median(getattr(run.seen, figure) / getattr(floor.seen, figure) for run, floor in pairs)


def _parts(runs: Runs) -> str:
    rows = [[name, f"{added(runs, name):+.0f}"] for name in PARTS]
    return table_of(["what", "CPU µs that it adds to a request"], rows)


def added(runs: Runs, part: str) -> float:
    """Microseconds of processor time that a part adds to a request: the median of the differences within each round."""
    without, with_it = PARTS[part]
    return statistics.median(more.cpu - less.cpu for less, more in zip(runs[without], runs[with_it], strict=True))


def _chart(path: str) -> str:
    return f"![Requests a second as a share of the floor's, and the processor time that each part adds]({path})"


def _draw(runs: Runs) -> None:
    """In the peers' environment, which has matplotlib."""
    data = FOLDER / "defaults.json"
    shares = {name: share(runs, name, "rate") for name in STEPS}
    data.write_text(json.dumps({"shares": shares, "added": {name: added(runs, name) for name in PARTS}}))
    python = str(ROOT / ".venv-bench/bin/python")
    subprocess.run([python, "-m", "benchmarks.bar_chart", str(data), str(CHART)], cwd=ROOT, check=True)
