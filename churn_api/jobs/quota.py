"""Limits for one API key: its unfinished jobs, and the bytes of their inputs."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select, text

from churn_api.jobs.job import FINISHED
from churn_api.store.tables import JOBS


class QuotaExceeded(Exception):
    """The key would exceed a limit; the text names the limit and its setting."""


class Quota(NamedTuple):
    """The limits of one key."""

    jobs: int
    bytes: int


def lock_owner(connection: Connection, owner: str) -> None:
    """Let one transaction at a time add jobs of an owner. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:owner, 0))"), {"owner": owner})


def check(connection: Connection, owner: str, quota: Quota, *, jobs: int = 0, input_bytes: int = 0) -> None:
    """Raise QuotaExceeded where the owner's unfinished jobs, plus those to be added, exceed the quota."""
    unfinished = select(func.count(), func.coalesce(func.sum(JOBS.c.input_bytes), 0)).where(
        JOBS.c.owner == owner, JOBS.c.state.not_in(FINISHED)
    )
    queued, queued_bytes = connection.execute(unfinished).one()
    if queued + jobs > quota.jobs:
        raise QuotaExceeded(f"{quota.jobs} jobs of a key may wait or run (MAX_QUEUED_JOBS)")
    if queued_bytes + input_bytes > quota.bytes:
        raise QuotaExceeded(f"The inputs of a key's jobs may have {quota.bytes} bytes in all (MAX_QUEUED_BYTES)")
