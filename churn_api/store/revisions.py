"""Counters that say that something changed, so that many workers ask one small question instead of many large ones."""

from typing import Literal

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from churn_api.store.rows import RevisionRow

Topic = Literal["keys", "models"]


def bump(session: Session, topic: Topic) -> None:
    """Count a change, in the transaction that makes it."""
    session.execute(update(RevisionRow).where(RevisionRow.name == topic).values(number=RevisionRow.number + 1))


def read(connection: Connection | Session) -> dict[str, int]:
    """Every topic's count."""
    return {row.name: row.number for row in connection.execute(select(RevisionRow.name, RevisionRow.number))}
