"""Counters that all processes share, with a fallback: while they are not available, each process counts for itself."""

import logging
import os
import threading
import time

from churn_api.access.counters import Counters, Hit, NoRoom
from churn_api.access.process_counters import ProcessCounters

RETRY_SECONDS = 2.0
"""Interval at which a process that counts for itself retries the shared counters."""
REPORT_EVERY_SECONDS = 60.0
"""Minimum interval between log lines about missing room."""
_PROBE = "probe"

log = logging.getLogger(__name__)


class SharedCounters:
    """The shared counters, or this process's own. Only one request waits for shared counters that do not answer."""

    def __init__(self, shared: Counters) -> None:
        self._shared = shared
        self._own = ProcessCounters()
        self._fallback_pid = 0
        self._lock = threading.Lock()
        self._reported_full = -REPORT_EVERY_SECONDS
        self._closed = threading.Event()
        self._retrying: threading.Thread | None = None

    def close(self) -> None:
        """Close the shared counters, and stop retrying them."""
        self._closed.set()
        with self._lock:
            thread = self._retrying
        if thread is not None:
            thread.join()
        self._shared.close()

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """Add to a counter."""
        # The thread that retries does not survive a fork, so each process detects the failure itself.
        if self._fallback_pid and self._fallback_pid == os.getpid():
            return self._own.hit(key, seconds, amount)
        try:
            return self._shared.hit(key, seconds, amount)
        except NoRoom:
            self._report_full()
        except Exception as error:  # noqa: BLE001 - no call fails because it cannot be counted
            self._fall_back(error)
        return self._own.hit(key, seconds, amount)

    def _fall_back(self, error: Exception) -> None:
        with self._lock:
            if self._fallback_pid == os.getpid():
                return
            self._fallback_pid = os.getpid()
            self._retrying = threading.Thread(target=self._retry, name="counters", daemon=True)
            self._retrying.start()
        log.warning("the rate-limit counters cannot be used (%s): this process counts for itself", _reason(error))

    def _retry(self) -> None:
        """Retry until a hit succeeds; a successful read would not prove that writing works."""
        while True:
            if self._closed.wait(RETRY_SECONDS):
                return
            try:
                self._shared.hit(_PROBE, 1)
            except NoRoom:
                break
            except Exception:  # noqa: BLE001, S112 # nosec B112 - logged when it first failed
                continue
            break
        self._fallback_pid = 0
        self._own.clear()
        log.warning("the rate-limit counters can be used again: this process counts with all others")

    def _report_full(self) -> None:
        now = time.monotonic()
        if now - self._reported_full >= REPORT_EVERY_SECONDS:
            self._reported_full = now
            log.warning("there is no room for further rate-limit counters: each process counts further callers itself")


def _reason(error: Exception) -> str:
    """The reason for the log. Other libraries' messages may contain a URL with its password; those of Redis do not."""
    text = error.strerror or str(error) if isinstance(error, OSError) else ""
    if type(error).__module__.startswith("redis."):
        text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
