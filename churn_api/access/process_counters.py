"""Counters of one process, which stand in for the shared ones."""

import threading
import time

from churn_api.access.counters import Hit, is_over

MOST = 10_000
"""So many callers are told apart; further ones share a counter until others have ended."""
SWEEP_EVERY_SECONDS = 1.0
_OTHERS = "others"


class ProcessCounters:
    """Counters in memory."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, int], Hit] = {}
        self._lock = threading.Lock()
        self._swept = 0.0

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """Add to a counter."""
        now = time.time()
        with self._lock:
            place = self._place((key, seconds), now)
            found = self._counters.get(place)
            if found is None or is_over(found.ends, seconds, now):
                found = Hit(0, now + seconds)
            self._counters[place] = counted = Hit(found.total + amount, found.ends)
        return counted

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._counters.clear()

    def _place(self, place: tuple[str, int], now: float) -> tuple[str, int]:
        """Where it is counted: where there is no room, with all others that have none."""
        if place in self._counters or len(self._counters) < MOST:
            return place
        # Looking through all of them at every call of a flood would cost more than the flood.
        if not 0 <= now - self._swept < SWEEP_EVERY_SECONDS:
            self._swept = now
            self._counters = {kept: hit for kept, hit in self._counters.items() if not is_over(hit.ends, kept[1], now)}
        return place if len(self._counters) < MOST else (_OTHERS, place[1])
