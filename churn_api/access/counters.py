"""What counts calls: a hit says how far a counter is and when it ends, together."""

from typing import NamedTuple, Protocol

from limits.storage import Storage


class Hit(NamedTuple):
    """A counter, after it was added to."""

    total: int
    ends: float
    """Unix time."""


class Counters(Protocol):
    """Counters by key. A counter begins when it is first hit, and ends so many seconds later."""

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """Add to a counter. Raises whatever its storage does where it cannot be used."""
        ...

    def close(self) -> None:
        """Let go of open files and connections. A hit after that opens them again."""
        ...


class NoRoom(Exception):
    """There is no place for another counter until some have ended."""


def is_over(ends: float, seconds: float, now: float) -> bool:
    """Whether a counter of that length has ended: also where it would end later than it can, by a clock set back."""
    return not now < ends <= now + seconds


class StoredCounters:
    """Counters in a storage of `limits` that answers the count and its end one after the other."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """See Counters."""
        total = self._storage.incr(key, seconds, amount)
        return Hit(int(total), float(self._storage.get_expiry(key)))

    def close(self) -> None:
        """Nothing here: `limits` has no way to say so to a storage, which lets go when nothing refers to it."""
