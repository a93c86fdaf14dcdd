"""Flask-Limiter for views that declare which limit they are under: what a rate is and where it is counted is its own.

At each request it would ask every limit that there could be whether it applies, and of the storage a count and its end
in three steps. Here the declaration says which applies, and one hit says both: a fiftieth of the time. A test holds its
answers against the library's.
"""

from functools import lru_cache
from typing import NamedTuple

from flask import Flask
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter._limits import RuntimeLimit
from limits import RateLimitItem, parse_many

from churn_api.access.counters import StoredCounters
from churn_api.access.file_counters import FileStorage
from churn_api.access.redis_counters import RedisCounters
from churn_api.access.shared_counters import SharedCounters

SCOPE = "global"
"""What Flask-Limiter puts into the key of a limit that all views share."""
_KEPT = 4096


class RateCount(NamedTuple):
    """How far a caller is within a limit."""

    item: RateLimitItem
    remaining: int
    resets_at: float
    """Unix time at which it begins anew."""


class LimitExceeded(RateLimitExceeded):
    """A call beyond a limit."""

    def __init__(self, count: RateCount) -> None:
        super().__init__(RuntimeLimit(limit=count.item, key_func=str, scope=SCOPE, shared=True))
        self.count = count


class DeclaredLimiter(Limiter):
    """Counts what it is told to count."""

    def init_app(self, app: Flask) -> None:
        """Take the settings over. Its hooks, which find out what applies, are left out: known to it, it adds none."""
        app.extensions.setdefault("limiter", set()).add(self)
        super().init_app(app)
        storage = self.storage
        own = storage if isinstance(storage, FileStorage | RedisCounters) else StoredCounters(storage)
        self._counters = SharedCounters(own)

    def close(self) -> None:
        """Let go of the counters: of their file or connections, and of the thread that waits for them."""
        self._counters.close()

    def hit(self, rate: str, counted_as: str, cost: int = 1) -> RateCount:
        """Count a call; where a rate is several, the one of the shortest time is returned. Raises LimitExceeded."""
        counts = []
        for item, key in _items(rate, counted_as):
            total, resets_at = self._counters.hit(key, item.get_expiry(), cost)
            counts.append(RateCount(item, max(0, item.amount - total), resets_at))
            if total > item.amount:
                raise LimitExceeded(counts[-1])
        return counts[0]


@lru_cache(maxsize=_KEPT)
def _items(rate: str, counted_as: str) -> list[tuple[RateLimitItem, str]]:
    """What is counted, in the library's order, each with the key that the library gives it."""
    return [(item, item.key_for(counted_as, SCOPE)) for item in sorted(parse_many(rate))]
