"""Counters of calls: one operation adds to a counter and returns its total and its end."""

from typing import NamedTuple, Protocol

from limits.storage import Storage


class Hit(NamedTuple):
    """The state of a counter after a hit."""

    total: int
    ends: float
    """Unix time."""


class Counters(Protocol):
    """Counters by key. A counter starts with its first hit, and ends `seconds` later."""

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """Add to a counter. Raises the storage's own exceptions where it is not available."""
        ...

    def close(self) -> None:
        """Close files and connections. A later hit opens them again."""
        ...


class NoRoom(Exception):
    """There is no room for another counter until some end."""


def is_over(ends: float, seconds: float, now: float) -> bool:
    """Whether a counter of this length has ended. One that ends later than possible has: the clock was set back."""
    return not now < ends <= now + seconds


class StoredCounters:
    """Counters in a storage of `limits` that returns the total and the end in two operations."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """See Counters."""
        total = self._storage.incr(key, seconds, amount)
        return Hit(int(total), float(self._storage.get_expiry(key)))

    def close(self) -> None:
        """Do nothing: storages of `limits` have no such operation; they close when they are garbage-collected."""
