"""Fingerprints of the service's secrets, in the database: they reveal a machine whose secrets differ from the others'.

A fingerprint is an HMAC under the secret itself: it shows whether two secrets are equal, and nothing else.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, inspect, or_, select, update

from churn_api.config import StartError
from churn_api.settings import PREFIX
from churn_api.store import audit, change_counters
from churn_api.store.tables import KEYS, SECRETS

PEPPER, TOKENS, LOG = "KEY_PEPPER", "JWT_SECRET", "LOG_SECRET"
NAMES = (PEPPER, TOKENS, LOG)
EFFECTS = {
    PEPPER: "revokes every active key",
    TOKENS: "makes all tokens invalid",
    LOG: "separates all customers from what was predicted for them before",
}
"""What another secret does, by its name."""


class OtherSecret(StartError):
    """The secret differs from the one in the database; the text says what it would invalidate, and what to do."""


def is_known(connection: Connection, name: str, secret: bytes) -> bool:
    """Whether the database has this secret's fingerprint. Raises OtherSecret where it has another secret's."""
    known = _known(connection, name)
    if known is not None and not hmac.compare_digest(known, _fingerprint(name, secret)):
        where = f"{PREFIX}{name}, or {name.lower()} in the instance folder,"
        raise OtherSecret(f"{where} is not the secret that this database knows{_advice(connection, name)}")
    return known is not None


def check(connection: Connection, name: str, secret: bytes, *, by: str) -> None:
    """Store a secret's fingerprint where the database has none. Raises OtherSecret where it has another secret's."""
    if not is_known(connection, name, secret):
        _store(connection, name, _fingerprint(name, secret), by)
        audit.record(connection, by, "secrets.note", name)


def check_lost(connection: Connection, name: str, path: Path) -> None:
    """Raise OtherSecret where a secret that is about to be generated existed before. The tables may not exist yet."""
    tables = inspect(connection).get_table_names()
    known = SECRETS.name in tables and _known(connection, name) is not None
    if known or (name == PEPPER and KEYS.name in tables and _active(connection)):
        raise OtherSecret(f"{path} is lost, the secret that this database knows{_advice(connection, name)}")


def adopt(connection: Connection, name: str, secret: bytes, *, by: str) -> list[str]:
    """Replace the fingerprint of a secret, and return the names of the keys that this revokes.

    Keys are stored as HMACs under the old pepper and cannot be verified any more, so they are revoked.
    """
    fingerprint = _fingerprint(name, secret)
    if fingerprint == _known(connection, name):
        return []
    revoked = _active(connection) if name == PEPPER else []
    connection.execute(delete(SECRETS).where(SECRETS.c.name == name))
    _store(connection, name, fingerprint, by)
    audit.record(connection, by, "secrets.adopt", name, revoked=[row.id for row in revoked])
    if revoked:
        now = datetime.now(UTC)
        connection.execute(update(KEYS).where(KEYS.c.revoked_at.is_(None)).values(revoked_at=now))
        change_counters.bump(connection, "keys")
    return [row.name for row in revoked]


def _known(connection: Connection, name: str) -> str | None:
    """The stored fingerprint; None where there is none yet."""
    fingerprint: str | None = connection.execute(select(SECRETS.c.fingerprint).where(SECRETS.c.name == name)).scalar()
    return fingerprint


def _fingerprint(name: str, secret: bytes) -> str:
    """The fingerprint of a secret."""
    return hmac.new(secret, f"churn-api fingerprint of {name}".encode(), hashlib.sha256).hexdigest()


def _store(connection: Connection, name: str, fingerprint: str, by: str) -> None:
    connection.execute(
        insert(SECRETS).values(name=name, fingerprint=fingerprint, noted_at=datetime.now(UTC), noted_by=by)
    )


def _advice(connection: Connection, name: str) -> str:
    """What the loss of the secret invalidates, and what to do."""
    return (
        f" ({_loss(connection, name)}): put it back, from another machine or the backup, or run "
        f"`churn-api secrets adopt {name}`, which ends what was made with it"
    )


def _loss(connection: Connection, name: str) -> str:
    if name == PEPPER:
        count = len(_active(connection))
        return f"{'1 active key lets' if count == 1 else f'{count} active keys let'} no one in without it"
    if name == TOKENS:
        return "tokens that were made with it are refused"
    return "without it no customer is found in the log of predictions"


def _active(connection: Connection) -> Sequence[Any]:
    now = datetime.now(UTC)
    not_expired = or_(KEYS.c.expires_at.is_(None), KEYS.c.expires_at > now)
    return connection.execute(select(KEYS.c.id, KEYS.c.name).where(KEYS.c.revoked_at.is_(None), not_expired)).all()
