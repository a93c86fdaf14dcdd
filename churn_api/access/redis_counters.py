"""Counters of calls in a Redis that many machines share: a storage for `limits` whose hit is one round trip.

The library's own storage takes two, and redis-py's command layer costs more than the command: each thread keeps a
connection and writes to it directly.
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
_PREFIX = "churn-"
TIMEOUT_SECONDS = 1
"""Timeout to connect to Redis, and to get an answer."""

# A counter without an end, or with an impossible one (Redis's clock was set back), starts again.
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


def counters_uri(uri: str) -> str:
    """The URI by which `limits` selects this storage; plain Redis URIs still select the library's own."""
    return f"{_PREFIX}{uri}"


class RedisCounters(RedisStorage):
    """The library's Redis storage, with a faster hit."""

    STORAGE_SCHEME = [f"{_PREFIX}{scheme}" for scheme in SCHEMES]  # noqa: RUF012 - as in the base class

    def __init__(self, uri: str, **options: Any) -> None:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        timeouts = {"socket_connect_timeout": TIMEOUT_SECONDS, "socket_timeout": TIMEOUT_SECONDS}
        once = Retry(NoBackoff(), 0)
        super().__init__(uri.removeprefix(_PREFIX), **timeouts | {"retry": once} | options)
        self._missing_script = self.dependency.exceptions.NoScriptError
        self._local = threading.local()
        self._connections: WeakSet[Any] = WeakSet()

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """Add to a counter. Raises RedisError, or OSError."""
        connection = self._connection()
        name = self.prefixed_key(key).encode(errors="surrogatepass")
        arguments = (b"1", name, b"%d" % (seconds * 1000), b"%d" % amount)
        try:
            try:
                total, left = _call(connection, b"EVALSHA", _DIGEST, *arguments)
            except self._missing_script:
                total, left = _call(connection, b"EVAL", _SCRIPT, *arguments)
        except BaseException:
            # A late answer must not be taken for the answer to the next hit.
            connection.disconnect()
            raise
        return Hit(total, time.time() + left / 1000)

    def close(self) -> None:
        """Close the connections of all threads. No thread may use them any more."""
        for connection in list(self._connections):
            connection.disconnect()
        self.storage.connection_pool.disconnect()

    def check(self) -> bool:
        """Whether Redis is available. This writes: Redis answers a ping even while writes are paused."""
        try:
            self.hit("check", 1)
        except Exception:  # noqa: BLE001 - as in the library's storage
            return False
        return True

    def _connection(self) -> Any:
        """The thread's connection; a new one after a fork, and where Redis has closed the old one."""
        local = self._local
        if getattr(local, "pid", None) != os.getpid():
            local.connection, local.pid = self.storage.connection_pool.make_connection(), os.getpid()
            self._connections.add(local.connection)
        connection: Any = local.connection
        if connection.is_connected and not _is_idle(connection):
            connection.disconnect()
        connection.connect()
        return connection


def _is_idle(connection: Any) -> bool:
    """Whether a connection is open and has no unread data."""
    try:
        return not connection.can_read(0)
    except Exception:  # noqa: BLE001 - any error leads to a new connection
        return False


def _call(connection: Any, *words: bytes) -> Any:
    command = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    connection.send_packed_command([command], check_health=False)
    return connection.read_response()
