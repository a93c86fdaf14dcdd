"""Where cached results are kept: in the memory of a process, or in a Redis that many share. Both are bounded."""

import logging
import threading
from collections import OrderedDict
from time import monotonic
from typing import Any, Protocol

MEMORY = "memory"
_PREFIX = b"churn-result:"
_TIMEOUT_SECONDS = 0.1
"""A cache that answers later than that costs more than it saves."""
_PAUSE_SECONDS = 5.0
"""After an error Redis is left alone for so long."""

log = logging.getLogger(__name__)


class CacheStore(Protocol):
    """Keeps bytes by key, and may forget any. Raises nothing."""

    def get(self, key: bytes) -> bytes | None:
        """What was put under a key; None where it is not there any more."""
        ...

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value."""
        ...


class MemoryStore:
    """The entries that were used last, in this process. Safe to share between threads."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> bytes | None:
        """See CacheStore."""
        with self._lock:
            value = self._entries.get(key)
            if value is not None:
                self._entries.move_to_end(key)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """See CacheStore."""
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            if len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)


class RedisStore:
    """Entries of a limited life in Redis, whose `maxmemory` bounds them. While it is away everything is computed."""

    def __init__(self, url: str, seconds: int) -> None:
        # Imported here: the package is an extra.
        from redis import Redis, RedisError
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._redis: Any = Redis.from_url(
            url.replace("redis+unix://", "unix://", 1),
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._errors = (RedisError, OSError)
        self._seconds = seconds
        self._paused_until = 0.0

    def get(self, key: bytes) -> bytes | None:
        """See CacheStore."""
        value = self._call("get", _PREFIX + key)
        return value if isinstance(value, bytes) else None

    def put(self, key: bytes, value: bytes) -> None:
        """See CacheStore."""
        self._call("set", _PREFIX + key, value, ex=self._seconds)

    def _call(self, command: str, *arguments: bytes, **options: int) -> Any:
        if monotonic() < self._paused_until:
            return None
        try:
            return getattr(self._redis, command)(*arguments, **options)
        except self._errors as error:
            self._paused_until = monotonic() + _PAUSE_SECONDS
            log.warning("the answer cache is away (%s); answers are computed", type(error).__name__)
            return None


def cache_store(chosen: str, entries: int, seconds: int) -> CacheStore:
    """The store of a setting: `memory`, or the address of a Redis."""
    return MemoryStore(entries) if chosen == MEMORY else RedisStore(chosen, seconds)
