"""Counters in memory, used while the shared ones are not available."""

import threading
import time

from churn_api.access.counters import Hit, is_over

MAX_COUNTERS = 10_000
"""Callers with a counter of their own; further callers share one until others end."""
SWEEP_EVERY_SECONDS = 1.0
_OTHERS = "others"


class ProcessCounters:
    """The counters of one process."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, int], Hit] = {}
        self._lock = threading.Lock()
        self._swept_at = 0.0

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """Add to a counter."""
        now = time.time()
        with self._lock:
            slot = self._slot((key, seconds), now)
            before = self._counters.get(slot)
            if before is None or is_over(before.ends, seconds, now):
                before = Hit(0, now + seconds)
            self._counters[slot] = counted = Hit(before.total + amount, before.ends)
        return counted

    def clear(self) -> None:
        """Remove all counters."""
        with self._lock:
            self._counters.clear()

    def _slot(self, slot: tuple[str, int], now: float) -> tuple[str, int]:
        """The counter to use: where there is no room, the one that further callers share."""
        if slot in self._counters or len(self._counters) < MAX_COUNTERS:
            return slot
        # A sweep at every call of a flood would cost more than the flood itself.
        if not 0 <= now - self._swept_at < SWEEP_EVERY_SECONDS:
            self._swept_at = now
            self._counters = {key: hit for key, hit in self._counters.items() if not is_over(hit.ends, key[1], now)}
        return slot if len(self._counters) < MAX_COUNTERS else (_OTHERS, slot[1])
