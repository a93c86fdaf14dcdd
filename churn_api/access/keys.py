"""API keys in the database: create, list, rotate, revoke. Only the HMAC of a key is stored."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, or_, select, update

from churn_api.access import secret_fingerprints
from churn_api.store import audit, change_counters
from churn_api.store.database import Database
from churn_api.store.tables import KEYS

PREFIX = "churn"
KEY = re.compile(rf"{PREFIX}_([a-z2-7]{{12}})_([A-Za-z0-9_-]{{43}})")
"""The prefix, which lets scanners detect leaked keys, the public id, and 256 random bits."""

_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class KeyConflict(Exception):
    """The name is taken, or no key has it."""


class NewKey(NamedTuple):
    """A new key. Its text is shown once and not stored."""

    id: str
    text: str


def digest(text: str, pepper: bytes) -> bytes:
    """HMAC-SHA256 of a key: keys are random, so no slow hash is needed, and the pepper is not in the database."""
    return hmac.new(pepper, text.encode(), hashlib.sha256).digest()


class Keys:
    """The API keys of one database."""

    def __init__(self, database: Database, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper

    def create(
        self, name: str, scopes: Iterable[str], *, by: str, expires: timedelta | None = None, rate: str | None = None
    ) -> NewKey:
        """Create a key. Raises KeyConflict where the name is taken, OtherSecret where the pepper is another."""
        with self._database.transaction() as connection:
            secret_fingerprints.check(connection, secret_fingerprints.PEPPER, self._pepper, by=by)
            if _active(connection, name):
                raise KeyConflict(f"there is an active key named {name!r}: rotate it, or revoke it first")
            expires_at = None if expires is None else datetime.now(UTC) + expires
            key = self._add(connection, name, " ".join(sorted(scopes)), rate, expires_at)
            audit.record(connection, by, "keys.create", name, id=key.id, scopes=sorted(scopes), rate=rate)
            change_counters.bump(connection, "keys")
        return key

    def rotate(self, name: str, *, by: str, grace: timedelta) -> NewKey:
        """Create a key with the scopes and rate limit of the named one, which stays valid for `grace`.

        Raises KeyConflict, OtherSecret.
        """
        ends = datetime.now(UTC) + grace
        with self._database.transaction() as connection:
            secret_fingerprints.check(connection, secret_fingerprints.PEPPER, self._pepper, by=by)
            active = _active(connection, name)
            if not active:
                raise KeyConflict(f"there is no active key named {name!r}")
            newest = active[-1]
            expires_at = _same_lifetime(newest)
            for row in active:
                _change(connection, row.id, expires_at=min(ends, row.expires_at or ends))
            key = self._add(connection, name, newest.scopes, newest.rate, expires_at)
            audit.record(connection, by, "keys.rotate", name, id=key.id, old=[row.id for row in active])
            change_counters.bump(connection, "keys")
        return key

    def revoke(self, name_or_id: str, *, by: str) -> list[str]:
        """Revoke a key by id, or all active keys of a name, and return their ids. Raises KeyConflict."""
        with self._database.transaction() as connection:
            rows = [row for row in _active(connection) if name_or_id in (row.name, row.id)]
            if not rows:
                raise KeyConflict(f"there is no active key named {name_or_id!r}")
            for row in rows:
                _change(connection, row.id, revoked_at=datetime.now(UTC))
                audit.record(connection, by, "keys.revoke", row.name, id=row.id)
            change_counters.bump(connection, "keys")
            return [row.id for row in rows]

    def all(self) -> Sequence[Any]:
        """The rows of all keys, including revoked and expired ones, oldest first."""
        with self._database.reading() as connection:
            return connection.execute(select(KEYS).order_by(KEYS.c.created_at)).all()

    def _add(
        self, connection: Connection, name: str, scopes: str, rate: str | None, expires_at: datetime | None
    ) -> NewKey:
        public = "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
        text = f"{PREFIX}_{public}_{secrets.token_urlsafe(32)}"
        row = {
            "id": public,
            "name": name,
            "digest": digest(text, self._pepper),
            "scopes": scopes,
            "rate": rate,
            "created_at": datetime.now(UTC),
            "expires_at": expires_at,
        }
        connection.execute(insert(KEYS).values(row))
        return NewKey(public, text)


def mark_used(connection: Connection, used: dict[str, datetime]) -> None:
    """Store when keys were last used."""
    for key, at in used.items():
        earlier = or_(KEYS.c.last_used_at.is_(None), KEYS.c.last_used_at < at)
        connection.execute(update(KEYS).where(KEYS.c.id == key, earlier).values(last_used_at=at))


def _change(connection: Connection, key: str, **values: datetime) -> None:
    connection.execute(update(KEYS).where(KEYS.c.id == key).values(values))


def _active(connection: Connection, name: str | None = None) -> list[Any]:
    now = datetime.now(UTC)
    rows = select(KEYS).where(KEYS.c.revoked_at.is_(None)).order_by(KEYS.c.created_at)
    if name is not None:
        rows = rows.where(KEYS.c.name == name)
    return [row for row in connection.execute(rows) if row.expires_at is None or row.expires_at > now]


def _same_lifetime(row: Any) -> datetime | None:
    """Expiry of the successor of a key: after the same lifetime."""
    return None if row.expires_at is None else datetime.now(UTC) + (row.expires_at - row.created_at)
