"""The job queue in the database: submission, listing, cancellation. Workers lease its jobs (leases.py)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Unpack

from sqlalchemy import ColumnElement, and_, delete, false, func, insert, select
from sqlalchemy.exc import IntegrityError

from churn_api.jobs import quota as quotas
from churn_api.jobs.job import FINISHED, STATES, Job, Request, State
from churn_api.jobs.leases import Leases
from churn_api.jobs.quota import Quota
from churn_api.jobs.row_writes import end_values, update_row
from churn_api.jobs.serialization import Submission, job_of, new_row
from churn_api.jobs.turns import is_leased
from churn_api.store import audit, clock
from churn_api.store.tables import JOBS

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class UnknownJob(Exception):
    """There is no job with this id."""


class KeyReused(Exception):
    """The owner used this idempotency key before, for a different request."""


class Finished(Exception):
    """The job has ended and cannot be cancelled; its state is the first argument."""


class Depth(NamedTuple):
    """How much is in the queue."""

    jobs: Mapping[State, int]
    """Number of jobs for every state."""
    oldest_seconds: float
    """How long the oldest queued job has waited; 0 where none waits."""


class Queue(Leases):
    """The jobs of one database. Every method raises DatabaseAway."""

    def put(
        self, request: Request, *, quota: Quota | None = None, **submission: Unpack[Submission]
    ) -> tuple[Job, bool]:
        """Queue a job, and return it with whether it is new: the same key and fingerprint return the same job.

        Raises KeyReused where the owner used the key with another fingerprint, or QuotaExceeded.
        """
        try:
            return self._insert(request, quota, submission), True
        except IntegrityError:
            # Looked up after the insert failed, not before it: of two simultaneous requests, one ends up here.
            row = self._by_key(submission["owner"], submission.get("idempotency_key"))
            if row is None:
                raise
            if row.fingerprint != submission.get("fingerprint", ""):
                raise KeyReused from None
            return job_of(row), False

    def require_room(self, owner: str, quota: Quota, input_bytes: int) -> None:
        """Raise QuotaExceeded where one more job with an input of this size would exceed the owner's quota."""
        with self._database.reading() as connection:
            quotas.check(connection, owner, quota, jobs=1, input_bytes=input_bytes)

    def cancel(self, job_id: str, *, by: str | None = None) -> Job:
        """Cancel a job: at once where no worker has it, else when its worker next checks. Raises UnknownJob, Finished.

        `by` names the actor for the audit log; None records nothing.
        """
        with self._database.transaction() as connection:
            now = clock.now(connection)
            rows = select(JOBS, is_leased(now).label("leased")).where(_has_id(job_id))
            row = connection.execute(rows.with_for_update()).one_or_none()
            if row is None:
                raise UnknownJob(job_id)
            if row.state in FINISHED:
                raise Finished(row.state)
            in_work = row.state == "running" and row.leased
            update_row(connection, job_id, {"cancel_asked": True} if in_work else end_values("cancelled", now))
            if by is not None:
                audit.record(connection, by, "jobs.cancel", job_id, before=row.state)
            return job_of(connection.execute(select(JOBS).where(_has_id(job_id))).one())

    def get(self, job_id: str) -> Job | None:
        """A job, or None where there is none."""
        with self._database.reading() as connection:
            row = connection.execute(select(JOBS).where(_has_id(job_id))).one_or_none()
        return None if row is None else job_of(row)

    def list(self, owner: str | None, limit: int, *, state: State | None = None) -> Sequence[Job]:
        """The newest jobs first; filtered by owner and by state where these are given."""
        rows = select(JOBS).order_by(JOBS.c.created_at.desc(), JOBS.c.id.desc()).limit(limit)
        if owner is not None:
            rows = rows.where(JOBS.c.owner == owner)
        if state is not None:
            rows = rows.where(JOBS.c.state == state)
        with self._database.reading() as connection:
            return [job_of(row) for row in connection.execute(rows)]

    def finished(self) -> Sequence[tuple[str, datetime]]:
        """The id and end time of every finished job, oldest first."""
        columns = select(JOBS.c.id, JOBS.c.finished_at)
        finished = columns.where(JOBS.c.state.in_(FINISHED), JOBS.c.finished_at.is_not(None))
        with self._database.reading() as connection:
            rows = connection.execute(finished.order_by(JOBS.c.finished_at, JOBS.c.id))
            return [(row.id, row.finished_at) for row in rows]

    def ids(self) -> set[str]:
        """The id of every job."""
        with self._database.reading() as connection:
            return set(connection.scalars(select(JOBS.c.id)))

    def depth(self) -> Depth:
        """The number of jobs in each state, and how long the oldest queued one has waited."""
        counts = select(JOBS.c.state, func.count().label("jobs"), func.min(JOBS.c.created_at).label("oldest"))
        with self._database.reading() as connection:
            now = clock.now(connection)
            rows = {row.state: row for row in connection.execute(counts.group_by(JOBS.c.state))}
        oldest = rows["queued"].oldest if "queued" in rows else now
        jobs = {state: rows[state].jobs if state in rows else 0 for state in STATES}
        return Depth(jobs, max(0.0, (now - oldest).total_seconds()))

    def delete(self, job_id: str) -> bool:
        """Delete a finished job, and return whether there was one."""
        finished = and_(JOBS.c.id == job_id, JOBS.c.state.in_(FINISHED))
        with self._database.transaction() as connection:
            return connection.execute(delete(JOBS).where(finished)).rowcount == 1

    def _insert(self, request: Request, quota: Quota | None, submission: Submission) -> Job:
        with self._database.transaction() as connection:
            quotas.lock_owner(connection, submission["owner"])
            row = new_row(request, submission, clock.now(connection))
            inserted = connection.execute(insert(JOBS).values(row).returning(JOBS)).one()
            # Checked after the insert: repeating a request with its idempotency key adds no job.
            if quota is not None:
                quotas.check(connection, submission["owner"], quota)
            return job_of(inserted)

    def _by_key(self, owner: str, idempotency_key: str | None) -> Any:
        """The row with an idempotency key; None where there is none."""
        same = and_(JOBS.c.owner == owner, JOBS.c.idempotency_key == idempotency_key)
        with self._database.reading() as connection:
            return connection.execute(select(JOBS).where(same, JOBS.c.idempotency_key.is_not(None))).one_or_none()


def _has_id(job_id: str) -> ColumnElement[bool]:
    """The condition that a row is this job's. Clients may send any text as an id, and databases reject some texts."""
    return JOBS.c.id == job_id if _ID.fullmatch(job_id) else false()
