"""Leases: the exclusive right of one worker to run a job for a limited time.

A worker that is killed stops renewing its lease, and another worker continues the job. Each lease has a fencing token,
one higher than the previous one's: a worker that holds an older token cannot write to the job any more.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from sqlalchemy import Connection, and_, update

from churn_api.jobs.job import Lease
from churn_api.jobs.row_writes import end_values, update_row
from churn_api.jobs.serialization import job_of, text_of
from churn_api.jobs.turns import lock_claims, next_job, next_turn
from churn_api.serving.scoring_progress import Progress
from churn_api.store import clock
from churn_api.store.database import Database
from churn_api.store.tables import JOBS

EXHAUSTED = "attempts-exhausted"


class LeaseLost(Exception):
    """The job was given to another worker, or taken from this one: this worker must not write to it any more."""


class Cancelled(Exception):
    """The job was cancelled: its worker must stop, and confirm it."""


class Leasing(TypedDict):
    """How long a lease lasts, and how many workers may lose one before the job finishes another block."""

    lease: timedelta
    max_attempts: int


class Leases:
    """The leases on the jobs of one database. Every method raises DatabaseAway."""

    def __init__(self, database: Database, **leasing: Unpack[Leasing]) -> None:
        self._database = database
        self._lease = leasing["lease"]
        self._max_attempts = leasing["max_attempts"]

    def claim(self, worker: str) -> Lease | None:
        """Lease the next job, in turn, that is queued or whose lease has expired; None where there is none.

        Jobs that were cancelled, or that have used up their attempts since their last block, are ended on the way.
        """
        with self._database.transaction() as connection:
            lock_claims(connection)
            now = clock.now(connection)
            while (row := next_job(connection, now)) is not None:
                if row.cancel_asked:
                    update_row(connection, row.id, end_values("cancelled", now))
                elif (failed := row.attempts - job_of(row).progress.attempt) >= self._max_attempts:
                    reason = f"the worker ended {failed} times while it worked on this"
                    update_row(connection, row.id, end_values("failed", now, reason_code=EXHAUSTED, reason=reason))
                else:
                    return self._take(connection, row.id, worker, now)
        return None

    def advance(self, lease: Lease, progress: Progress) -> None:
        """Save progress, and renew the lease. Raises LeaseLost or Cancelled; nothing is saved then."""
        with self._database.transaction() as connection:
            now = clock.now(connection)
            values = {"progress": text_of(progress), "advanced_at": now, **self._lease_values(now)}
            _update_or_stop(connection, lease, values)

    def renew(self, lease: Lease) -> None:
        """Renew a lease during a long block. Raises LeaseLost or Cancelled."""
        with self._database.transaction() as connection:
            _update_or_stop(connection, lease, self._lease_values(clock.now(connection)))

    def succeed(self, lease: Lease, progress: Progress, result_bytes: int) -> None:
        """End a job whose result is complete, even if it was cancelled in the last moment. Raises LeaseLost."""
        with self._database.transaction() as connection:
            now = clock.now(connection)
            values = end_values(
                "succeeded", now, progress=text_of(progress), advanced_at=now, result_bytes=result_bytes
            )
            _update_leased(connection, lease, values)

    def fail(self, lease: Lease, code: str, reason: str) -> None:
        """End a job that cannot be completed. Raises LeaseLost."""
        with self._database.transaction() as connection:
            now = clock.now(connection)
            _update_leased(connection, lease, end_values("failed", now, reason_code=code, reason=_storable(reason)))

    def cancelled(self, lease: Lease) -> None:
        """End a job that its worker has stopped because it was cancelled. Raises LeaseLost."""
        with self._database.transaction() as connection:
            _update_leased(connection, lease, end_values("cancelled", clock.now(connection)))

    def release(self, lease: Lease) -> None:
        """Return a job to the queue without counting the attempt; a cancelled job ends. Raises LeaseLost."""
        with self._database.transaction() as connection:
            values = {"state": "queued", "attempts": JOBS.c.attempts - 1, "lease_until": None}
            if _update_leased(connection, lease, values):
                update_row(connection, lease.job.id, end_values("cancelled", clock.now(connection)))

    def _lease_values(self, now: datetime) -> dict[str, datetime]:
        """The columns of a lease that is granted or renewed."""
        return {"leased_at": now, "lease_until": now + self._lease}

    def _take(self, connection: Connection, job_id: str, worker: str, now: datetime) -> Lease:
        values = {
            "state": "running",
            "token": JOBS.c.token + 1,
            "attempts": JOBS.c.attempts + 1,
            "worker": worker,
            "turn": next_turn(connection),
            **self._lease_values(now),
            "started_at": now,
            "started_from": JOBS.c.progress,
            "advanced_at": None,
        }
        row = connection.execute(update(JOBS).where(JOBS.c.id == job_id).values(values).returning(JOBS)).one()
        return Lease(job_of(row), row.token)


def _storable(text: str) -> str:
    """A text that every database accepts: none accepts a lone surrogate, and PostgreSQL no NUL."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def _update_leased(connection: Connection, lease: Lease, values: Mapping[str, Any]) -> bool:
    """Update the row of a job whose lease is still valid, and return whether it was cancelled. Raises LeaseLost."""
    valid = and_(JOBS.c.id == lease.job.id, JOBS.c.token == lease.token, JOBS.c.state == "running")
    statement = update(JOBS).where(valid).values(values).returning(JOBS.c.cancel_asked)
    cancelled: bool | None = connection.execute(statement).scalar_one_or_none()
    if cancelled is None:
        raise LeaseLost(lease.job.id)
    return cancelled


def _update_or_stop(connection: Connection, lease: Lease, values: Mapping[str, Any]) -> None:
    """Update the row of a job whose lease is still valid. Raises LeaseLost or Cancelled."""
    if _update_leased(connection, lease, values):
        raise Cancelled(lease.job.id)
