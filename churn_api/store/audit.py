"""The audit: every act of management, written in the transaction that does it."""

import getpass
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from churn_api.store.database import Database
from churn_api.store.tables import AUDIT


class AuditEntry(NamedTuple):
    """Who did what to what, and when."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def actor(by: str) -> str:
    """Who acts, as the audit names them: what they act by, and the user of this process."""
    try:
        return f"{by} ({getpass.getuser()})"
    except (OSError, KeyError):
        return by


def record(connection: Connection, actor: str, action: str, subject: str, **detail: Any) -> None:
    """Add an act to the transaction."""
    act = {"at": datetime.now(UTC), "actor": actor, "action": action, "subject": subject, "detail": json.dumps(detail)}
    connection.execute(insert(AUDIT).values(act))


def latest_entries(database: Database, limit: int) -> Sequence[AuditEntry]:
    """The latest acts, newest first. Raises DatabaseAway."""
    with database.reading() as connection:
        rows = connection.execute(select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)).all()
    return [AuditEntry(row.at, row.actor, row.action, row.subject, json.loads(row.detail)) for row in rows]
