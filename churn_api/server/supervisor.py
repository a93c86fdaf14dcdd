"""The job worker that gunicorn starts, and its supervisor: a process that restarts the worker when it dies.

Each process ends when its parent does, even if the parent is killed: it receives the parent's pid, and polls getppid.
"""

import logging
import os
import signal
import subprocess  # nosec B404 - a fixed command
import sys
import threading
import time
from typing import Any

POLL_SECONDS = 0.5
RESTART_SECONDS = 2.0
EARLY_SECONDS = 10.0
"""A supervisor that ends this soon will end again: the next one waits as long, or restarts would use up a core."""
GRACE_SECONDS = 25.0
"""Time for a worker to finish its block: container runtimes kill after 30 seconds."""

log = logging.getLogger(__name__)


class JobWorker:
    """The job worker and its supervisor, as seen by gunicorn's master."""

    def __init__(self, **popen: Any) -> None:
        """`popen` are further arguments of Popen, such as the user."""
        self._popen = popen
        self._process = self._start(0)

    def restart_if_ended(self) -> None:
        """Restart the supervisor where it has ended. Its worker ends after the current block."""
        # Where the master reaped the process first, the exit code is meaningless.
        if self._process.poll() is None:
            return
        delay = EARLY_SECONDS if time.monotonic() - self._started < EARLY_SECONDS else 0
        log.error("the job worker's supervisor has ended; it is restarted%s", f" in {delay:.0f} s" if delay else "")
        self._process = self._start(delay)

    def stop(self) -> None:
        """Stop the supervisor, and with it the worker, which finishes its block."""
        self._process.terminate()
        self._process.wait()

    def _start(self, delay: float) -> subprocess.Popen[bytes]:
        self._started = time.monotonic() + delay
        return _command("--respawn", "--delay", str(delay), **self._popen)


def supervise_worker(parent: int) -> None:
    """Run `churn-api worker` until SIGTERM or SIGINT, or until the parent process ends."""
    received: list[int] = []

    def receive(number: int, _: Any) -> None:
        received.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, receive)
    worker = _command()
    while not received and os.getppid() == parent:
        if worker.poll() is not None:
            log.error("the job worker ended with code %s; it is restarted, and continues", worker.returncode)
            time.sleep(RESTART_SECONDS)
            worker = _command()
        time.sleep(POLL_SECONDS)
    _end(worker)


def stop_with_parent(parent: int) -> None:
    """Send SIGTERM to this process when its parent has ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        log.warning("the job worker's supervisor has ended: the worker stops after its current block")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _command(*arguments: str, **popen: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "churn_api", "worker", "--parent", str(os.getpid()), *arguments]
    return subprocess.Popen(command, **popen)  # noqa: S603  # nosec B603


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Let the worker release its job; kill it where it does not end, and its job continues when the lease expires."""
    worker.terminate()
    try:
        worker.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        log.error("the job worker does not end; it is killed, and the next one continues its job")
        worker.kill()
        worker.wait()
