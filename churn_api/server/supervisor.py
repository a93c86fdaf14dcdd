"""The job worker beside gunicorn, and its supervisor: a process that starts another worker when one dies.

Each ends when the one that started it does, however that ended: it is told whose child it is, and looks whether it
still is.
"""

import logging
import os
import signal
import subprocess  # nosec B404 - a fixed command
import sys
import threading
import time
from typing import Any

LOOK_EVERY_SECONDS = 0.5
AGAIN_AFTER_SECONDS = 2.0
SOON_SECONDS = 10.0
"""A supervisor that ended so soon will again: the next one waits as long, or they would take a core."""
GRACE_SECONDS = 25.0
"""That a worker has to finish the block at hand: it would be killed with its container after 30."""

log = logging.getLogger(__name__)


class JobWorker:
    """A job worker with its supervisor, as gunicorn's master keeps them."""

    def __init__(self, **popen: Any) -> None:
        """`popen` says what else the process is started with, as whose it is."""
        self._popen = popen
        self._process = self._start(0)

    def restart_if_ended(self) -> None:
        """Start another supervisor where it has ended. The worker that it had ends after the block at hand."""
        # What the master reaped first has a code that means nothing.
        if self._process.poll() is None:
            return
        delay = SOON_SECONDS if time.monotonic() - self._started < SOON_SECONDS else 0
        log.error("the job worker's supervisor has ended; another is started%s", f" in {delay:.0f} s" if delay else "")
        self._process = self._start(delay)

    def stop(self) -> None:
        """End the supervisor, and with it the worker, which finishes the block at hand."""
        self._process.terminate()
        self._process.wait()

    def _start(self, delay: float) -> subprocess.Popen[bytes]:
        self._started = time.monotonic() + delay
        return _command("--respawn", "--delay", str(delay), **self._popen)


def supervise_worker(parent: int) -> None:
    """Run `churn-api worker` until SIGTERM or SIGINT comes, or the process that started this one has ended."""
    received: list[int] = []

    def receive(number: int, _: Any) -> None:
        received.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, receive)
    worker = _command()
    while not received and os.getppid() == parent:
        if worker.poll() is not None:
            log.error("the job worker ended with code %s; another is started, and goes on", worker.returncode)
            time.sleep(AGAIN_AFTER_SECONDS)
            worker = _command()
        time.sleep(LOOK_EVERY_SECONDS)
    _end(worker)


def stop_with_parent(parent: int) -> None:
    """Have this process told to stop, as by SIGTERM, when the one that started it has ended."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY_SECONDS)
        log.warning("the job worker's supervisor has ended: the worker stops after the block at hand")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=look, name="parent", daemon=True).start()


def _command(*arguments: str, **popen: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "churn_api", "worker", "--parent", str(os.getpid()), *arguments]
    return subprocess.Popen(command, **popen)  # noqa: S603  # nosec B603


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Have a worker hand back its job; one that cannot is killed, and its job is taken over when the lease is over."""
    worker.terminate()
    try:
        worker.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        log.error("the job worker does not end; it is killed, and its job goes on with the next one")
        worker.kill()
        worker.wait()
