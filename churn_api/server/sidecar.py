"""A sidecar: a process forked from this one, so that it shares memory, and forked again when it dies.

No thread in the process that forks workers: a worker that is forked while a thread holds a lock, of the database's
driver for one, inherits the lock and no thread that would ever release it.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

LOOK_EVERY_SECONDS = 0.2
AGAIN_AFTER_SECONDS = 1.0
AGAIN_AFTER_FAILURE_SECONDS = 15.0
"""Where it could not begin, as on a port that is taken."""
DEFAULTS = (signal.SIGTERM, signal.SIGCHLD)
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU)

log = logging.getLogger(__name__)


def start_sidecar(begin: Callable[[], None]) -> int:
    """Fork a process that calls `begin`, and goes on until this one ends; return the id of the one that supervises it.

    To be called while this process has no other thread. `begin` starts threads of its own, and returns.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _run_forked(lambda: _supervise(begin, parent))
    return pid


def _supervise(begin: Callable[[], None], parent: int) -> None:
    own = os.getpid()
    while os.getppid() == parent:
        child = os.fork()
        if child == 0:
            _run_forked(lambda: _serve(begin, own))
        status = 0
        while os.getppid() == parent:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            time.sleep(LOOK_EVERY_SECONDS)
        _wait(AGAIN_AFTER_SECONDS if os.WIFSIGNALED(status) else AGAIN_AFTER_FAILURE_SECONDS, parent)


def _wait(seconds: float, parent: int) -> None:
    until = time.monotonic() + seconds
    while os.getppid() == parent and time.monotonic() < until:
        time.sleep(LOOK_EVERY_SECONDS)


def _serve(begin: Callable[[], None], parent: int) -> None:
    begin()
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_SECONDS)


def _run_forked(run: Callable[[], None]) -> NoReturn:
    """Run in a forked process, which has nothing of its parent's to tidy up."""
    for number in DEFAULTS:
        signal.signal(number, signal.SIG_DFL)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        run()
    except OSError as error:
        log.error("metrics cannot be served (%s); tried again in %d s", error.strerror, AGAIN_AFTER_FAILURE_SECONDS)
        os._exit(1)
    except BaseException:
        log.exception("the sidecar ended; it is started again")
        os._exit(1)
    os._exit(0)
