"""Stop signals are blocked while a worker is forked: the handlers that it inherits would lose them."""

import os
import signal

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def block() -> None:
    """Block stop signals in this process and in processes forked from it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def unblock() -> None:
    """Unblock stop signals; pending ones are delivered."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def unblock_after_fork() -> None:
    """Unblock stop signals in the parent after every fork."""
    os.register_at_fork(after_in_parent=unblock)
