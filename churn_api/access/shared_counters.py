"""Counters that all processes share, and what happens while they cannot be used: each process counts for itself."""

import logging
import os
import threading
import time

from churn_api.access.counters import Counters, Hit, NoRoom
from churn_api.access.process_counters import ProcessCounters

TRY_EVERY_SECONDS = 2.0
"""How often a process that counts for itself tries to count with the others again."""
REPORT_EVERY_SECONDS = 60.0
"""How often it is logged that there is no room for further counters."""
_PROBE = "probe"

log = logging.getLogger(__name__)


class SharedCounters:
    """Shared counters, or this process's own in their place. No request waits for those twice."""

    def __init__(self, shared: Counters) -> None:
        self._shared = shared
        self._own = ProcessCounters()
        self._alone_in = 0
        self._lock = threading.Lock()
        self._reported_full = -REPORT_EVERY_SECONDS
        self._closed = threading.Event()
        self._trying: threading.Thread | None = None

    def close(self) -> None:
        """Let go of what the shared counters hold, and try no more to use them."""
        self._closed.set()
        with self._lock:
            trying = self._trying
        if trying is not None:
            trying.join()
        self._shared.close()

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """Add to a counter."""
        # A fork takes no thread along that would find them usable again, so each process finds out for itself.
        if self._alone_in and self._alone_in == os.getpid():
            return self._own.hit(key, seconds, amount)
        try:
            return self._shared.hit(key, seconds, amount)
        except NoRoom:
            self._report_full()
        except Exception as error:  # noqa: BLE001 - whatever it is: no call fails because it cannot be counted
            self._count_alone(error)
        return self._own.hit(key, seconds, amount)

    def _count_alone(self, error: Exception) -> None:
        with self._lock:
            if self._alone_in == os.getpid():
                return
            self._alone_in = os.getpid()
            self._trying = threading.Thread(target=self._try_again, name="counters", daemon=True)
            self._trying.start()
        log.warning("the counters of limits cannot be used (%s): this process counts for itself", _reason(error))

    def _try_again(self) -> None:
        """Try until a hit succeeds: what can be read cannot always be written."""
        while True:
            if self._closed.wait(TRY_EVERY_SECONDS):
                return
            try:
                self._shared.hit(_PROBE, 1)
            except NoRoom:
                break
            except Exception:  # noqa: BLE001, S112 # nosec B112 - the same as before, which was logged
                continue
            break
        self._alone_in = 0
        self._own.clear()
        log.warning("the counters of limits can be used again: this process counts with all others")

    def _report_full(self) -> None:
        now = time.monotonic()
        if now - self._reported_full >= REPORT_EVERY_SECONDS:
            self._reported_full = now
            log.warning("there is no room for further counters of limits: each process counts further callers itself")


def _reason(error: Exception) -> str:
    """What went wrong. Texts of other libraries may hold a storage's address with its password; Redis's do not."""
    text = error.strerror or str(error) if isinstance(error, OSError) else ""
    if type(error).__module__.startswith("redis."):
        text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
