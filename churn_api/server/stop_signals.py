"""Signals that stop a worker, kept back while it is forked: the handlers that it inherits would lose them."""

import os
import signal

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def block() -> None:
    """Have stop signals wait, in this process and in what is forked from it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def unblock() -> None:
    """Deliver stop signals, those that waited too."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def unblock_after_fork() -> None:
    """From now on, have a process that forks take its stop signals again right after the fork."""
    os.register_at_fork(after_in_parent=unblock)
