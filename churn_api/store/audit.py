"""The audit log: every management action, written in the transaction that performs it."""

import getpass
import json
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from churn_api.store.database import Database
from churn_api.store.tables import AUDIT


class AuditEntry(NamedTuple):
    """One management action: who did what to which subject, and when."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def actor(by: str) -> str:
    """The actor's name in the audit log: the given name and the user of this process."""
    try:
        return f"{by} ({getpass.getuser()})"
    except (OSError, KeyError):
        return by


def startup_actor() -> str:
    """The actor's name in the audit log for actions at the start of a service."""
    return f"start ({socket.gethostname()[:64]})"


def record(connection: Connection, actor: str, action: str, subject: str, **detail: Any) -> None:
    """Add an action to the transaction."""
    row = {"at": datetime.now(UTC), "actor": actor, "action": action, "subject": subject, "detail": json.dumps(detail)}
    connection.execute(insert(AUDIT).values(row))


def latest_entries(database: Database, limit: int) -> Sequence[AuditEntry]:
    """The latest actions, newest first. Raises DatabaseAway."""
    with database.reading() as connection:
        rows = connection.execute(select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)).all()
    return [AuditEntry(row.at, row.actor, row.action, row.subject, json.loads(row.detail)) for row in rows]
