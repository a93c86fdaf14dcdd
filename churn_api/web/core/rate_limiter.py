"""Flask-Limiter for views whose declaration names their limit. Rates, keys and storages are Flask-Limiter's own.

For each request Flask-Limiter checks every configured limit, and reads count and reset time from the storage in three
steps. Here the declaration names the limit, and one hit returns both, which takes a fiftieth of the time. A test
compares the results with the library's.
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
"""Part of the counter's key, as Flask-Limiter sets it for limits that all views share."""
_CACHED_RATES = 4096


class RateCount(NamedTuple):
    """The state of a caller's limit."""

    item: RateLimitItem
    remaining: int
    resets_at: float
    """Unix time at which the window ends."""


class LimitExceeded(RateLimitExceeded):
    """A call exceeds a limit."""

    def __init__(self, count: RateCount) -> None:
        super().__init__(RuntimeLimit(limit=count.item, key_func=str, scope=SCOPE, shared=True))
        self.count = count


class DeclaredLimiter(Limiter):
    """Flask-Limiter with an explicit `hit` in place of its request hooks."""

    def init_app(self, app: Flask) -> None:
        """Read the settings. Flask-Limiter registers no request hooks where `app.extensions` already lists it."""
        app.extensions.setdefault("limiter", set()).add(self)
        super().init_app(app)
        storage = self.storage
        counters = storage if isinstance(storage, FileStorage | RedisCounters) else StoredCounters(storage)
        self._counters = SharedCounters(counters)

    def close(self) -> None:
        """Close the counters: their file or connections, and their thread."""
        self._counters.close()

    def hit(self, rate: str, counted_as: str, cost: int = 1) -> RateCount:
        """Count a call against a rate such as `10/second;100/minute`; return the state of its shortest window.

        Raises LimitExceeded.
        """
        counts = []
        for item, key in _items(rate, counted_as):
            total, resets_at = self._counters.hit(key, item.get_expiry(), cost)
            counts.append(RateCount(item, max(0, item.amount - total), resets_at))
            if total > item.amount:
                raise LimitExceeded(counts[-1])
        return counts[0]


@lru_cache(maxsize=_CACHED_RATES)
def _items(rate: str, counted_as: str) -> list[tuple[RateLimitItem, str]]:
    """The single limits of a rate, in the library's order, each with the library's key."""
    return [(item, item.key_for(counted_as, SCOPE)) for item in sorted(parse_many(rate))]
