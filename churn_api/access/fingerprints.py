"""Fingerprints of the service's secrets, in the database: a machine that has other secrets than the rest is found out.

A fingerprint is an HMAC under the secret itself: it tells whether two are the same, and nothing else of either.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, inspect, or_, select, update

from churn_api.config import PREFIX, StartError
from churn_api.store import audit, change_counters
from churn_api.store.tables import KEYS, SECRETS

PEPPER, TOKENS = "KEY_PEPPER", "JWT_SECRET"
NAMES = (PEPPER, TOKENS)


class OtherSecret(StartError):
    """A secret that is not the one that the database knows; the text says what it would void, and what to do."""


def is_known(connection: Connection, name: str, secret: bytes) -> bool:
    """Whether a secret is the one that the database knows; not where it knows none yet. Raises OtherSecret."""
    known = _known(connection, name)
    if known is not None and not hmac.compare_digest(known, _fingerprint(name, secret)):
        where = f"{PREFIX}{name}, or {name.lower()} in the instance folder,"
        raise OtherSecret(f"{where} is not the secret that this database knows{_advice(connection, name)}")
    return known is not None


def check(connection: Connection, name: str, secret: bytes, *, by: str) -> None:
    """Raise OtherSecret unless a secret is the one that the database knows; note it where it knows none yet."""
    if not is_known(connection, name, secret):
        _note(connection, name, _fingerprint(name, secret), by)
        audit.record(connection, by, "secrets.note", name)


def check_lost(connection: Connection, name: str, path: Path) -> None:
    """Raise OtherSecret where a secret that is about to be made anew was there before. The tables may not be."""
    tables = inspect(connection).get_table_names()
    known = SECRETS.name in tables and _known(connection, name) is not None
    if known or (name == PEPPER and KEYS.name in tables and _active(connection)):
        raise OtherSecret(f"{path} is lost, the secret that this database knows{_advice(connection, name)}")


def adopt(connection: Connection, name: str, secret: bytes, *, by: str) -> list[str]:
    """Have the database know a secret in place of the one before, and return the names of keys that this ends.

    Keys are HMACs under the pepper before: they let no one in any more, so they are revoked.
    """
    own = _fingerprint(name, secret)
    if own == _known(connection, name):
        return []
    ended = _active(connection) if name == PEPPER else []
    connection.execute(delete(SECRETS).where(SECRETS.c.name == name))
    _note(connection, name, own, by)
    audit.record(connection, by, "secrets.adopt", name, revoked=[row.id for row in ended])
    if ended:
        now = datetime.now(UTC)
        connection.execute(update(KEYS).where(KEYS.c.revoked_at.is_(None)).values(revoked_at=now))
        change_counters.bump(connection, "keys")
    return [row.name for row in ended]


def _known(connection: Connection, name: str) -> str | None:
    """The fingerprint that the database has; None where it has none yet."""
    found: str | None = connection.execute(select(SECRETS.c.fingerprint).where(SECRETS.c.name == name)).scalar()
    return found


def _fingerprint(name: str, secret: bytes) -> str:
    """What the database has of a secret."""
    return hmac.new(secret, f"churn-api fingerprint of {name}".encode(), hashlib.sha256).hexdigest()


def _note(connection: Connection, name: str, own: str, by: str) -> None:
    connection.execute(insert(SECRETS).values(name=name, fingerprint=own, noted_at=datetime.now(UTC), noted_by=by))


def _advice(connection: Connection, name: str) -> str:
    """What would end with the secret, and the two ways on."""
    count = len(_active(connection)) if name == PEPPER else 0
    keys = "1 active key lets" if count == 1 else f"{count} active keys let"
    ends = f"{keys} no one in without it" if name == PEPPER else "tokens that were made with it are refused"
    return (
        f" ({ends}): put it back, from another machine or the backup, or run `churn-api secrets adopt {name}`, "
        "which ends what was made with it"
    )


def _active(connection: Connection) -> Sequence[Any]:
    now = datetime.now(UTC)
    lives_on = or_(KEYS.c.expires_at.is_(None), KEYS.c.expires_at > now)
    return connection.execute(select(KEYS.c.id, KEYS.c.name).where(KEYS.c.revoked_at.is_(None), lives_on)).all()
