"""The end of a shutdown: a request that takes longer is answered, and has its line, before the worker is killed.

gunicorn kills a worker that has not finished when its graceful timeout is over, and nobody would hear of the request.
"""

import signal
from collections.abc import Callable
from typing import Any

from churn_api.web.core.draining import Draining, cut_off

BEFORE_SECONDS = 1.0
"""How long before that: what is left has to be written."""


def set_shutdown_deadline(worker: Any, draining: Draining) -> None:
    """Have SIGTERM, in this worker, end the request at hand a moment before the worker would be killed.

    Not where the server goes on, as at SIGHUP: nobody kills this worker then.
    """
    stop: Callable[..., Any] = signal.getsignal(signal.SIGTERM)  # type: ignore[assignment]
    seconds = max(worker.cfg.graceful_timeout - BEFORE_SECONDS, BEFORE_SECONDS / 2)

    def receive(number: int, frame: Any) -> None:
        stop(number, frame)
        if draining.begun:
            signal.setitimer(signal.ITIMER_REAL, seconds)

    signal.signal(signal.SIGALRM, cut_off)
    signal.signal(signal.SIGTERM, receive)
    # Unlike gunicorn's own, or a handler would wait for what a request waits for; Python goes on with that by itself.
    signal.siginterrupt(signal.SIGTERM, True)
