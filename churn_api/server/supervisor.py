"""A small process that stays beside a worker: starts another when it dies, and ends it when its own parent is gone."""

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


def stay_beside_worker() -> None:
    """Run `churn-api worker` until SIGTERM or SIGINT comes, or the process that started this one ends."""
    parent = os.getppid()
    told: list[int] = []

    def tell(number: int, _: Any) -> None:
        told.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    worker = _start()
    while not told and os.getppid() == parent:
        if worker.poll() is not None:
            log.error("the job worker ended with code %s; another is started, and goes on", worker.returncode)
            time.sleep(AGAIN_AFTER_SECONDS)
            worker = _start()
        time.sleep(LOOK_EVERY_SECONDS)
    _end(worker)


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "churn_api.cli", "worker"])  # nosec B603


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Have a worker hand back its job; one that cannot is killed, and its job is taken over when the lease is over."""
    worker.terminate()
    try:
        worker.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        log.error("the job worker does not end; it is killed, and its job goes on with the next one")
        worker.kill()
        worker.wait()
