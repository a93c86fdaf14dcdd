"""A sidecar: a process that is forked from this one, so that it shares memory, and is restarted when it dies.

A process, not a thread, because the master forks workers: a worker that is forked while a thread holds a lock, for
example in the database driver, inherits the locked lock without the thread that would release it.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

POLL_SECONDS = 0.2
RETRY_SECONDS = 1.0
RETRY_AFTER_FAILURE_SECONDS = 15.0
"""Where it could not start, for example because the port is taken."""
DEFAULTS = (signal.SIGTERM, signal.SIGCHLD)
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU)

log = logging.getLogger(__name__)


def start_sidecar(begin: Callable[[], None]) -> int:
    """Fork a process that calls `begin` and runs until this one ends; return the pid of its supervisor.

    Call it while this process has no other thread. `begin` starts its own threads, and returns.
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
            time.sleep(POLL_SECONDS)
        _wait(RETRY_SECONDS if os.WIFSIGNALED(status) else RETRY_AFTER_FAILURE_SECONDS, parent)


def _wait(seconds: float, parent: int) -> None:
    until = time.monotonic() + seconds
    while os.getppid() == parent and time.monotonic() < until:
        time.sleep(POLL_SECONDS)


def _serve(begin: Callable[[], None], parent: int) -> None:
    begin()
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)


def _run_forked(run: Callable[[], None]) -> NoReturn:
    """Run in a forked process, and exit without the parent's clean-up."""
    for number in DEFAULTS:
        signal.signal(number, signal.SIG_DFL)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        run()
    except OSError as error:
        log.error("metrics cannot be served (%s); tried again in %d s", error.strerror, RETRY_AFTER_FAILURE_SECONDS)
        os._exit(1)
    except BaseException:
        log.exception("the sidecar ended; it is restarted")
        os._exit(1)
    os._exit(0)
