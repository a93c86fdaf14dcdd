"""How much of the queue one key may have: jobs that are not over, and the bytes of their inputs."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select, text

from churn_api.jobs.job import FINISHED
from churn_api.store.tables import JOBS


class QuotaExceeded(Exception):
    """More than a key may have in the queue; the text says what, how much, and by which setting."""


class Quota(NamedTuple):
    """What one key may have in the queue."""

    jobs: int
    bytes: int


def lock_owner(connection: Connection, owner: str) -> None:
    """Let one transaction at a time add jobs of an owner; on SQLite one that writes is alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:owner, 0))"), {"owner": owner})


def check(connection: Connection, owner: str, quota: Quota, *, jobs: int = 0, input_bytes: int = 0) -> None:
    """Raise QuotaExceeded where an owner has, with what is to be added, more in the queue than is allowed."""
    unfinished = select(func.count(), func.coalesce(func.sum(JOBS.c.input_bytes), 0)).where(
        JOBS.c.owner == owner, JOBS.c.state.not_in(FINISHED)
    )
    queued, queued_bytes = connection.execute(unfinished).one()
    if queued + jobs > quota.jobs:
        raise QuotaExceeded(f"{quota.jobs} jobs of a key may wait or run (MAX_QUEUED_JOBS)")
    if queued_bytes + input_bytes > quota.bytes:
        raise QuotaExceeded(f"The inputs of a key's jobs may have {quota.bytes} bytes in all (MAX_QUEUED_BYTES)")
