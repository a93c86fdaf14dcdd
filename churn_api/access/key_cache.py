"""The cache of API keys in this process. It is read again when keys change; only unknown keys query the database.

Every rejected key costs the same work, including one query the first time it is seen: response times reveal neither
which ids exist nor why a key is rejected.
"""

import hmac
import logging
from collections import OrderedDict
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple

from sqlalchemy import select

from churn_api.access.caller import Caller, Denied
from churn_api.access.keys import KEY, digest, mark_used
from churn_api.store.database import Database
from churn_api.store.tables import KEYS

FLUSH_EVERY_SECONDS = 30
"""Maximum delay before the time of a key's last use is written."""

MAX_ENTRIES = 10_000
"""Maximum number of cached keys, and of cached rejections: guesses use bounded memory."""
SHOWN = 20
"""Names in one log line."""

log = logging.getLogger(__name__)

_NO_DIGEST = bytes(32)
"""Compared where there is no key, so that it takes the same time."""


class _CachedKey(NamedTuple):
    digest: bytes
    caller: Caller
    ends: float
    """Unix time at which the key expires; 0 where it was revoked."""


class KeyCache:
    """Authenticates callers by key. Cached keys stay valid while the database is away."""

    def __init__(self, database: Database, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper
        self._keys: OrderedDict[str, _CachedKey] = OrderedDict()
        self._denied: OrderedDict[bytes | str, None] = OrderedDict()
        """Digests of rejected keys, and ids of expired or revoked keys, since the last refresh."""
        self._used: dict[str, datetime] = {}
        self._flushed_at = monotonic() - FLUSH_EVERY_SECONDS

    def find(self, text: str) -> Caller:
        """The caller of a key. Raises Denied, or DatabaseAway where the key is not in the cache."""
        form = KEY.fullmatch(text)
        if form is None:
            raise Denied("invalid-key")
        key, key_digest, now = form[1], digest(text, self._pepper), datetime.now(UTC)
        cached = _valid(self._keys.get(key), key_digest, now) or self._query(key, key_digest, now)
        self._used[key] = now
        return cached.caller

    def is_active(self, key: str) -> bool:
        """Whether the key with an id is still valid. Raises DatabaseAway."""
        now = datetime.now(UTC)
        cached = self._keys.get(key)
        if cached is None and key not in self._denied:
            cached = self._look_up(key)
        if cached is not None and cached.ends > now.timestamp():
            return True
        _store(self._denied, key, None)
        return False

    def refresh(self) -> None:
        """Read the keys, the newest where there are too many, and log revoked ones. Raises DatabaseAway."""
        newest = select(KEYS).where(KEYS.c.revoked_at.is_(None)).order_by(KEYS.c.created_at.desc()).limit(MAX_ENTRIES)
        with self._database.reading() as connection:
            rows = connection.execute(newest).all()
        keys = OrderedDict((row.id, _cached(row)) for row in rows)
        if len(keys) < MAX_ENTRIES:
            _log_revoked([one.caller.name for key, one in self._keys.items() if one.ends and key not in keys])
        self._keys = keys
        self._denied.clear()

    def flush_used(self) -> None:
        """Write the times of last use, at intervals. Raises DatabaseAway."""
        now = monotonic()
        if self._used and now - self._flushed_at >= FLUSH_EVERY_SECONDS:
            self._flushed_at = now
            used, self._used = self._used, {}
            with self._database.transaction() as connection:
                mark_used(connection, used)

    def _look_up(self, key: str) -> _CachedKey | None:
        """Query a key, and cache it unless it is revoked. Raises DatabaseAway."""
        with self._database.reading() as connection:
            row = connection.execute(select(KEYS).where(KEYS.c.id == key)).one_or_none()
        cached = None if row is None else _cached(row)
        if cached is not None and cached.ends:
            _store(self._keys, key, cached)
        return cached

    def _query(self, key: str, key_digest: bytes, now: datetime) -> _CachedKey:
        """A valid key from the database, queried once for each rejected key. Raises Denied, DatabaseAway."""
        cached = None if key_digest in self._denied else _valid(self._look_up(key), key_digest, now)
        if cached is None:
            _store(self._denied, key_digest, None)
            raise Denied("invalid-key")
        return cached


def _valid(cached: _CachedKey | None, key_digest: bytes, now: datetime) -> _CachedKey | None:
    """The key, where the digest matches and it has not expired; else None."""
    same = hmac.compare_digest(key_digest, cached.digest if cached else _NO_DIGEST)
    return cached if cached is not None and same and cached.ends > now.timestamp() else None


def _store(cache: OrderedDict[Any, Any], key: object, value: object) -> None:
    """Add an entry, and evict the oldest where there are too many."""
    cache[key] = value
    while len(cache) > MAX_ENTRIES:
        cache.popitem(last=False)


def _log_revoked(names: list[str]) -> None:
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        log.info("keys revoked: %s%s", ", ".join(sorted(names)[:SHOWN]), more)


def _cached(row: Any) -> _CachedKey:
    ends = float("inf") if row.expires_at is None else row.expires_at.timestamp()
    caller = Caller(f"key:{row.id}", row.name, frozenset(row.scopes.split()), row.rate)
    return _CachedKey(row.digest, caller, 0 if row.revoked_at is not None else ends)
