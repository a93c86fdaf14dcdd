"""The keys in this process: read when they change, so that a look-up asks the database only of what it never saw.

Every key that is turned away costs the same work, a look-up where it comes for the first time: how long that takes
tells neither which ids there are nor what is wrong.
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
"""How late the time of a key's last use may be written."""

REMEMBERED = 10_000
"""Keys that are remembered, and as many that were turned away: guesses cost a bounded memory."""
SHOWN = 20
"""Names that a line of the log has."""

log = logging.getLogger(__name__)

_NO_DIGEST = bytes(32)
"""Compared where there is no key, so that it takes as long as where there is one."""


class _Known(NamedTuple):
    digest: bytes
    caller: Caller
    ends: float
    """Unix time from which it is not valid; 0 where it was revoked."""


class KeyCache:
    """Finds callers by key. The keys are read anew when they change, and kept while the database is away."""

    def __init__(self, database: Database, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._denied: OrderedDict[bytes | str, None] = OrderedDict()
        """Digests of keys that were turned away, and ids of keys that ended, since the keys were last read."""
        self._used: dict[str, datetime] = {}
        self._flushed = monotonic() - FLUSH_EVERY_SECONDS

    def find(self, text: str) -> Caller:
        """The caller that a key is of. Raises Denied, or DatabaseAway where none that is remembered is it."""
        form = KEY.fullmatch(text)
        if form is None:
            raise Denied("invalid-key")
        key, own, now = form[1], digest(text, self._pepper), datetime.now(UTC)
        known = _valid(self._known.get(key), own, now) or self._ask(key, own, now)
        self._used[key] = now
        return known.caller

    def is_active(self, key: str) -> bool:
        """Whether the key of an id still lets somebody in. Raises DatabaseAway."""
        now = datetime.now(UTC)
        known = self._known.get(key)
        if known is None and key not in self._denied:
            known = self._look_up(key)
        if known is not None and known.ends > now.timestamp():
            return True
        _remember(self._denied, key, None)
        return False

    def refresh(self) -> None:
        """Read the keys, the newest where there are too many, and log those that are revoked. Raises DatabaseAway."""
        wanted = select(KEYS).where(KEYS.c.revoked_at.is_(None)).order_by(KEYS.c.created_at.desc()).limit(REMEMBERED)
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
        known = OrderedDict((row.id, _known(row)) for row in rows)
        if len(known) < REMEMBERED:
            _log_revoked([one.caller.name for key, one in self._known.items() if one.ends and key not in known])
        self._known = known
        self._denied.clear()

    def flush_used(self) -> None:
        """Write when keys were used, once in a while. Raises DatabaseAway."""
        now = monotonic()
        if self._used and now - self._flushed >= FLUSH_EVERY_SECONDS:
            self._flushed = now
            used, self._used = self._used, {}
            with self._database.transaction() as connection:
                mark_used(connection, used)

    def _look_up(self, key: str) -> _Known | None:
        """A key as the database has it, remembered where it lets somebody in. Raises DatabaseAway."""
        with self._database.reading() as connection:
            row = connection.execute(select(KEYS).where(KEYS.c.id == key)).one_or_none()
        found = None if row is None else _known(row)
        if found is not None and found.ends:
            _remember(self._known, key, found)
        return found

    def _ask(self, key: str, own: bytes, now: datetime) -> _Known:
        """A valid key as the database has it; for one that is not it is asked once. Raises Denied, DatabaseAway."""
        known = None if own in self._denied else _valid(self._look_up(key), own, now)
        if known is None:
            _remember(self._denied, own, None)
            raise Denied("invalid-key")
        return known


def _valid(known: _Known | None, own: bytes, now: datetime) -> _Known | None:
    """A key, where the digest is its own and it has not ended."""
    same = hmac.compare_digest(own, known.digest if known else _NO_DIGEST)
    return known if known is not None and same and known.ends > now.timestamp() else None


def _remember(held: OrderedDict[Any, Any], key: object, value: object) -> None:
    """Keep it, and no more than so many."""
    held[key] = value
    while len(held) > REMEMBERED:
        held.popitem(last=False)


def _log_revoked(names: list[str]) -> None:
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        log.info("keys revoked: %s%s", ", ".join(sorted(names)[:SHOWN]), more)


def _known(row: Any) -> _Known:
    ends = float("inf") if row.expires_at is None else row.expires_at.timestamp()
    caller = Caller(f"key:{row.id}", row.name, frozenset(row.scopes.split()), row.rate)
    return _Known(row.digest, caller, 0 if row.revoked_at is not None else ends)
