"""The deadline of a graceful shutdown: a request that exceeds it gets a problem response, and is logged.

Otherwise gunicorn kills the worker after its graceful timeout, with no response and no log line.
"""

import signal
from collections.abc import Callable
from typing import Any

from churn_api.web.core.draining import Draining, cut_off

BEFORE_SECONDS = 1.0
"""How long before the graceful timeout the request is cut off: the response has to be written."""


def set_shutdown_deadline(worker: Any, draining: Draining) -> None:
    """On SIGTERM, cut off the current request shortly before gunicorn would kill this worker.

    Only where the server shuts down: at SIGHUP, gunicorn does not kill old workers.
    """
    stop: Callable[..., Any] = signal.getsignal(signal.SIGTERM)  # type: ignore[assignment]
    seconds = max(worker.cfg.graceful_timeout - BEFORE_SECONDS, BEFORE_SECONDS / 2)

    def receive(number: int, frame: Any) -> None:
        stop(number, frame)
        if draining.begun:
            signal.setitimer(signal.ITIMER_REAL, seconds)

    signal.signal(signal.SIGALRM, cut_off)
    signal.signal(signal.SIGTERM, receive)
    # Interrupt system calls, unlike gunicorn: the handler must not wait for them, and Python retries them itself.
    signal.siginterrupt(signal.SIGTERM, True)
