"""Starting a server, and what it costs: time to its first answer, memory, processor time."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
GUNICORN = [str(ROOT / ".venv/bin/gunicorn")]
UVICORN = [str(ROOT / ".venv-bench/bin/uvicorn")]
WORKERS = 2

COMMANDS: dict[str, list[str]] = {
    "floor": [*GUNICORN, "benchmarks.peers.floor:app"],
    "churn-api": [*GUNICORN, "wsgi:app"],
    "textbook Flask": [*GUNICORN, "benchmarks.peers.textbook_flask:app"],
    "textbook FastAPI": [*UVICORN, "benchmarks.peers.textbook_fastapi:app", "--workers", "2", "--log-level", "error"],
}
ANSWERS_CONSTANT = "floor"


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    url: str
    process: psutil.Process
    start_seconds: float

    def pss_megabytes(self) -> float:
        """Memory of all its processes, what they share counted once."""
        return sum(process.memory_full_info().pss for process in self._family()) / 1e6

    def cpu_seconds(self) -> float:
        """Processor time that its processes have taken."""
        return sum(sum(process.cpu_times()[:2]) for process in self._family())

    def _family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def running(name: str, models: Path) -> Iterator[Server]:
    """A server on a free port of loopback, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "PORT": str(port),
        "WEB_CONCURRENCY": str(WORKERS),
        "CHURN_MODELS_DIR": str(models),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    command = [
        *COMMANDS[name],
        *(["--port", str(port)] if COMMANDS[name][0] == UVICORN[0] else _gunicorn_options(name)),
    ]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield Server(name, url, psutil.Process(process.pid), time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(timeout=40)


def _gunicorn_options(name: str) -> list[str]:
    return [] if name == "churn-api" else ["--config", str(ROOT / "benchmarks/peers/gunicorn.conf.py")]


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(3000):
        try:
            urllib.request.urlopen(f"{url}/health/live", timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None:
                raise SystemExit(f"a server ended at once: {process.args}") from None
            time.sleep(0.01)
    raise SystemExit(f"a server does not answer: {url}")
