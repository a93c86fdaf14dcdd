"""The keys in this process: read when they change, so that a look-up asks the database only of what it never saw."""

import hmac
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
"""Ids that are remembered, known and unknown ones: guesses cost a bounded memory."""


_NO_DIGEST = bytes(32)
"""Compared where there is no key, so that it takes as long as where there is one."""


class _Known(NamedTuple):
    digest: bytes
    caller: Caller
    ends: float
    """Unix time from which it is not valid; 0 where it was revoked."""


class KeyRing:
    """Finds callers by key. The keys are read anew when they change, and kept while the database is away."""

    def __init__(self, database: Database, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper
        self._known: OrderedDict[str, _Known | None] = OrderedDict()
        self._used: dict[str, datetime] = {}
        self._flushed = monotonic() - FLUSH_EVERY_SECONDS

    def find(self, text: str) -> Caller:
        """The caller that a key is of. Raises Denied, or DatabaseAway where it was never seen before."""
        form = KEY.fullmatch(text)
        if form is None:
            raise Denied("invalid-key")
        known = self._of(form[1])
        same = hmac.compare_digest(digest(text, self._pepper), known.digest if known else _NO_DIGEST)
        now = datetime.now(UTC)
        if known is None or not same or known.ends <= now.timestamp():
            raise Denied("invalid-key")
        self._used[form[1]] = now
        return known.caller

    def is_active(self, key: str) -> bool:
        """Whether the key of an id still lets somebody in. Raises DatabaseAway."""
        known = self._of(key)
        return known is not None and known.ends > datetime.now(UTC).timestamp()

    def refresh(self) -> None:
        """Read the keys, the newest where there are too many, and forget ids that were unknown. Raises DatabaseAway."""
        wanted = select(KEYS).where(KEYS.c.revoked_at.is_(None)).order_by(KEYS.c.created_at.desc()).limit(REMEMBERED)
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
        self._known = OrderedDict((row.id, _known(row)) for row in rows)

    def flush_used(self) -> None:
        """Write when keys were used, once in a while. Raises DatabaseAway."""
        now = monotonic()
        if self._used and now - self._flushed >= FLUSH_EVERY_SECONDS:
            self._flushed = now
            used, self._used = self._used, {}
            with self._database.transaction() as connection:
                mark_used(connection, used)

    def _of(self, key: str) -> _Known | None:
        known = self._known
        if key not in known:
            with self._database.reading() as connection:
                row = connection.execute(select(KEYS).where(KEYS.c.id == key)).one_or_none()
            known[key] = None if row is None else _known(row)
            while len(known) > REMEMBERED:
                known.popitem(last=False)
        return known.get(key)


def _known(row: Any) -> _Known:
    ends = float("inf") if row.expires_at is None else row.expires_at.timestamp()
    caller = Caller(f"key:{row.id}", row.name, frozenset(row.scopes.split()), row.rate)
    return _Known(row.digest, caller, 0 if row.revoked_at is not None else ends)
