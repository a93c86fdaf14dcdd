"""Starting a server, and what it costs: time to its first answer, memory, processor time."""

import http.client
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from benchmarks.nginx import free_port, nginx_before

ROOT = Path(__file__).parents[1]
GUNICORN = [str(ROOT / ".venv/bin/gunicorn")]
CHURN_API = str(ROOT / ".venv/bin/churn-api")
UVICORN = [str(ROOT / ".venv-bench/bin/uvicorn")]
WORKERS = 2
NO_LOG = Path(os.devnull)
_COMMANDS = """
import json, sys
from churn_api.cli import main
for words in json.loads(sys.argv[1]):
    main(words, standalone_mode=False)
"""
"""Commands of the service, one after the other in one process."""

COMMANDS: dict[str, list[str]] = {
    "floor": [*GUNICORN, "benchmarks.peers.floor:app"],
    "churn-api": [*GUNICORN, "wsgi:app"],
    "churn-api without metrics": [*GUNICORN, "benchmarks.peers.without_metrics:app"],
    "textbook Flask": [*GUNICORN, "benchmarks.peers.textbook_flask:app"],
    "textbook FastAPI": [*UVICORN, "benchmarks.peers.textbook_fastapi:app", "--workers", "2", "--log-level", "error"],
}
ANSWERS_CONSTANT = "floor"
OURS, WITHOUT_METRICS = "churn-api", "churn-api without metrics"
NO_LIMITS = {"CHURN_RATELIMIT_ENABLED": "0"}
OPEN = {"CHURN_AUTH": "open", "CHURN_ALLOW_OPEN": "1"}
UNREACHED = "1000000000/hour"
"""A rate by which calls are counted, and none is turned away."""


@dataclass(frozen=True)
class Server:
    """A running server, and the proxy before it where there is one."""

    name: str
    url: str
    processes: list[psutil.Process]
    start_seconds: float
    key: str = ""
    """Lets callers in; empty where it takes none."""

    def pss_megabytes(self) -> float:
        """Memory of all its processes, what they share counted once."""
        return sum(process.memory_full_info().pss for process in self.family()) / 1e6

    def cpu_seconds(self) -> float:
        """Processor time that its processes have taken."""
        return sum(sum(process.cpu_times()[:2]) for process in self.family())

    def family(self) -> list[psutil.Process]:
        """Its processes, children included."""
        return [one for parent in self.processes for one in (parent, *parent.children(recursive=True))]


@contextmanager
def running(
    name: str,
    models: Path,
    *,
    behind_nginx: bool = False,
    root: Path = ROOT,
    log: Path = NO_LOG,
    **environment: str,
) -> Iterator[Server]:
    """A server on a free port of loopback, until the block ends. `environment` holds settings besides.

    This service runs as shipped: it asks for a key, counts calls, writes its log. `root` is the checkout whose it is,
    `log` takes what its processes write.
    """
    _compile(root)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        listening = {"HOST": f"unix:{folder}/g.sock"} if behind_nginx else {"PORT": str(free_port())}
        key = ""
        if name in (OURS, WITHOUT_METRICS):
            # As it is shipped, whatever the environment says.
            listening |= {"CHURN_INSTANCE_DIR": str(folder), "CHURN_AUTH": "required", "CHURN_RATELIMIT_ENABLED": "1"}
            listening |= _rates()
            key = make_live(models, "predict", root=root, CHURN_INSTANCE_DIR=str(folder))
        started = time.perf_counter()
        process = stack.enter_context(_process(name, models, listening | environment, root, log))
        if behind_nginx:
            proxy = stack.enter_context(nginx_before(folder, folder / "g.sock"))
            url, processes = proxy.url, [process.pid, proxy.process.pid]
        else:
            url, processes = f"http://127.0.0.1:{listening['PORT']}", [process.pid]
        wait_until_ready(f"{url}/health/live", process)
        seconds = time.perf_counter() - started
        yield Server(name, url, [psutil.Process(pid) for pid in processes], seconds, key)


@cache
def _compile(root: Path) -> None:
    """Compile a checkout, as pip compiles what it installs: otherwise the first start would."""
    command = [_python(root), "-m", "compileall", "-q", "churn_api", "benchmarks"]
    subprocess.run(command, cwd=root, env=_environment(root), check=True)


def _rates() -> dict[str, str]:
    return {f"CHURN_RATELIMIT_{name}": UNREACHED for name in ("PREDICT", "BATCH", "MANAGEMENT")}


def make_live(models: Path, scopes: str, *, root: Path = ROOT, **settings: str) -> str:
    """Make the tables of a database, make all models live in it, and return a key with these scopes."""
    bundles = [("models", "live", bundle.parent.name, bundle.name) for bundle in sorted(models.glob("*/1"))]
    key = ("keys", "create", "--name", "benchmark", "--scopes", scopes)
    commands = json.dumps([("db", "upgrade"), *bundles, key])
    environment = _environment(root) | settings | {"CHURN_MODELS_DIR": str(models)}
    command = [_python(root), "-c", _COMMANDS, commands]
    done = subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


def churn_api(*words: str, root: Path = ROOT, **environment: str) -> bytes:
    """Run a checkout's own command, and return what it prints."""
    command = [str(root / ".venv/bin/churn-api"), *words]
    done = subprocess.run(command, cwd=root, env=_environment(root) | environment, check=True, capture_output=True)
    return done.stdout


def _python(root: Path) -> str:
    return str(root / ".venv/bin/python")


def _environment(root: Path) -> dict[str, str]:
    """The environment of a process that runs a checkout, and keeps its bytecode as an installation does."""
    return os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": ""}


@contextmanager
def _process(
    name: str, models: Path, settings: dict[str, str], root: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    environment = _environment(root) | {
        "WEB_CONCURRENCY": str(WORKERS),
        "CHURN_MODELS_DIR": str(models),
        "OMP_NUM_THREADS": "1",
        **settings,
    }
    program, *words = COMMANDS[name]
    words = [program.replace(str(ROOT), str(root), 1), *words, *_options(name, settings)]
    # Append mode: otherwise lines of one process would overwrite another's.
    with log.open("ab") as output:
        process = subprocess.Popen(words, cwd=root, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=40)


def _options(name: str, settings: dict[str, str]) -> list[str]:
    if COMMANDS[name][0] == UVICORN[0]:
        return ["--port", settings["PORT"]]
    return [] if name in (OURS, WITHOUT_METRICS) else ["--config", str(ROOT / "benchmarks/peers/gunicorn.conf.py")]


def wait_until_ready(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Return as soon as an address answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (OSError, http.client.HTTPException):
            if process.poll() is not None:
                raise SystemExit(f"a server ended at once: {process.args}") from None
            time.sleep(0.01)
    raise SystemExit(f"a server does not answer: {url}")
