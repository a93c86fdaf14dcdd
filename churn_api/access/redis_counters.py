"""Counters of calls in a Redis that many machines share: a storage for `limits` whose hit is one round trip.

The library's own takes two, and redis-py's way to a command costs more than the command: a connection is kept by each
thread and written to directly.
"""

import os
import threading
import time
from hashlib import sha1
from typing import Any
from weakref import WeakSet

from limits.storage import RedisStorage

from churn_api.access.counters import Hit

SCHEMES = ("redis", "rediss", "redis+unix")
_OWN = "churn-"
ANSWER_SECONDS = 1
"""How long Redis is waited for, to connect and to answer."""

# Without an end, or with one later than it can be (Redis's clock was set back), a counter begins anew.
_SCRIPT = b"""
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1])
    return {tonumber(ARGV[2]), tonumber(ARGV[1])}
end
return {count, left}
"""
_DIGEST = sha1(_SCRIPT, usedforsecurity=False).hexdigest().encode()


def own_uri(uri: str) -> str:
    """How `limits` finds these counters of a Redis: its own scheme stays the library's."""
    return f"{_OWN}{uri}"


class RedisCounters(RedisStorage):
    """Counts in Redis, as the library's storage does."""

    STORAGE_SCHEME = [f"{_OWN}{scheme}" for scheme in SCHEMES]  # noqa: RUF012 - the base class's

    def __init__(self, uri: str, **options: Any) -> None:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        waits = {"socket_connect_timeout": ANSWER_SECONDS, "socket_timeout": ANSWER_SECONDS}
        once = Retry(NoBackoff(), 0)
        super().__init__(uri.removeprefix(_OWN), **waits | {"retry": once} | options)
        self._missing_script = self.dependency.exceptions.NoScriptError
        self._held = threading.local()
        self._connections: WeakSet[Any] = WeakSet()

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """Add to a counter. Raises RedisError, or OSError."""
        connection = self._connection()
        name = self.prefixed_key(key).encode(errors="surrogatepass")
        arguments = (b"1", name, b"%d" % (seconds * 1000), b"%d" % amount)
        try:
            try:
                total, left = _ask(connection, b"EVALSHA", _DIGEST, *arguments)
            except self._missing_script:
                total, left = _ask(connection, b"EVAL", _SCRIPT, *arguments)
        except BaseException:
            # An answer that comes late must not be taken for that of the next hit.
            connection.disconnect()
            raise
        return Hit(total, time.time() + left / 1000)

    def close(self) -> None:
        """Close the connections of all threads, which must not be counting any more."""
        for connection in list(self._connections):
            connection.disconnect()
        self.storage.connection_pool.disconnect()

    def check(self) -> bool:
        """Whether it can be counted in: Redis answers a ping while it is paused for writes, so this writes."""
        try:
            self.hit("check", 1)
        except Exception:  # noqa: BLE001 - the library's storage takes any for a no
            return False
        return True

    def _connection(self) -> Any:
        """One of the thread's own, connected; a new one after a fork, and where Redis has closed it meanwhile."""
        held = self._held
        if getattr(held, "pid", None) != os.getpid():
            held.connection, held.pid = self.storage.connection_pool.make_connection(), os.getpid()
            self._connections.add(held.connection)
        connection: Any = held.connection
        if connection.is_connected and not _is_silent(connection):
            connection.disconnect()
        connection.connect()
        return connection


def _is_silent(connection: Any) -> bool:
    """Whether a connection is open with nothing to be read from it."""
    try:
        return not connection.can_read(0)
    except Exception:  # noqa: BLE001 - whatever it is, another connection is made
        return False


def _ask(connection: Any, *words: bytes) -> Any:
    command = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    connection.send_packed_command([command], check_health=False)
    return connection.read_response()
