"""The job worker's supervisor: a process that starts another worker when one dies, and ends with its own parent."""

import logging
import os
import signal
import subprocess  # nosec B404 - a fixed command
import sys
import time
from typing import Any

LOOK_EVERY_SECONDS = 0.5
AGAIN_AFTER_SECONDS = 2.0
GRACE_SECONDS = 25.0
"""That a worker has to finish the block at hand: it would be killed with its container after 30."""

log = logging.getLogger(__name__)


def start_supervisor() -> subprocess.Popen[bytes]:
    """Start a process that supervises a job worker, and ends with this one."""
    return _command("worker", "--respawn")


def stop_supervisor(supervisor: subprocess.Popen[bytes]) -> None:
    """End a supervisor, and with it the worker, which finishes the block at hand."""
    supervisor.terminate()
    supervisor.wait()


def supervise_worker() -> None:
    """Run `churn-api worker` until SIGTERM or SIGINT comes, or the process that started this one ends."""
    parent = os.getppid()
    received: list[int] = []

    def receive(number: int, _: Any) -> None:
        received.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, receive)
    worker = _command("worker")
    while not received and os.getppid() == parent:
        if worker.poll() is not None:
            log.error("the job worker ended with code %s; another is started, and goes on", worker.returncode)
            time.sleep(AGAIN_AFTER_SECONDS)
            worker = _command("worker")
        time.sleep(LOOK_EVERY_SECONDS)
    _end(worker)


def _command(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "churn_api", *arguments])  # noqa: S603  # nosec B603


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Have a worker hand back its job; one that cannot is killed, and its job is taken over when the lease is over."""
    worker.terminate()
    try:
        worker.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        log.error("the job worker does not end; it is killed, and its job goes on with the next one")
        worker.kill()
        worker.wait()
