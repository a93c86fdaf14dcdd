"""The queue: jobs in the database, and leases on them.

A worker that is killed renews its lease no more, and another goes on where it stopped. Every lease has a token, one
higher than the one before, and who holds an older one can no longer write.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypedDict, Unpack

from sqlalchemy import ColumnElement, Connection, and_, delete, false, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from churn_api.jobs import quota as quotas
from churn_api.jobs.job import FINISHED, STATES, Job, Lease, Request, State
from churn_api.jobs.quota import Quota
from churn_api.jobs.serialization import job_of, new_row, text_of
from churn_api.jobs.turns import is_held, next_job, next_turn, wait_for_turn
from churn_api.serving.progress import Progress
from churn_api.store import audit, clock
from churn_api.store.database import Database
from churn_api.store.tables import JOBS

EXHAUSTED = "attempts-exhausted"

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class UnknownJob(Exception):
    """A job that there is not."""


class KeyReused(Exception):
    """An idempotency key that its owner used for something else before."""


class Finished(Exception):
    """A job that is over, and cannot be cancelled; its state is the first argument."""


class LeaseLost(Exception):
    """A job that was given to another worker, or taken from this one: it may not be written any more."""


class Cancelled(Exception):
    """A job that somebody cancelled: its worker is to stop, and to say so."""


class Depth(NamedTuple):
    """How much is in the queue."""

    jobs: Mapping[State, int]
    """By state, every one of them."""
    oldest_seconds: float
    """How long the oldest queued job has waited; 0 where none waits."""


class Leasing(TypedDict):
    """How long a lease is, and how many workers may lose one without a block done."""

    lease: timedelta
    max_attempts: int


class Queue:
    """The jobs of one database. Every method raises DatabaseAway."""

    def __init__(self, database: Database, **leasing: Unpack[Leasing]) -> None:
        self._database = database
        self._lease = leasing["lease"]
        self._max_attempts = leasing["max_attempts"]

    def put(
        self,
        request: Request,
        *,
        id: str,  # noqa: A002
        owner: str,
        owner_name: str,
        idempotency_key: str | None = None,
        fingerprint: str = "",
        input_bytes: int = 0,
        quota: Quota | None = None,
    ) -> tuple[Job, bool]:
        """Queue a job, and tell whether it is a new one: the same key and fingerprint give the same job.

        Raises KeyReused where the owner used the key with another fingerprint, or QuotaExceeded.
        """
        try:
            with self._database.transaction() as connection:
                quotas.lock_owner(connection, owner)
                row = new_row(request, clock.now(connection)) | {
                    "id": id,
                    "owner": owner,
                    "owner_name": owner_name,
                    "idempotency_key": idempotency_key,
                    "fingerprint": fingerprint,
                    "input_bytes": input_bytes,
                }
                made = connection.execute(insert(JOBS).values(row).returning(JOBS)).one()
                # Afterwards: a job that is sent again with its key adds nothing.
                if quota is not None:
                    quotas.check(connection, owner, quota)
                return job_of(made), True
        except IntegrityError:
            # Asked for afterwards, not before: of two callers at the same moment one comes here.
            found = self._by_key(owner, idempotency_key)
            if found is None:
                raise
            if found.fingerprint != fingerprint:
                raise KeyReused from None
            return job_of(found), False

    def require_room(self, owner: str, quota: Quota, input_bytes: int) -> None:
        """Raise QuotaExceeded where one more job of so many bytes would be too much for its owner."""
        with self._database.reading() as connection:
            quotas.check(connection, owner, quota, jobs=1, input_bytes=input_bytes)

    def claim(self, worker: str) -> Lease | None:
        """Lease the job whose turn it is, of those that are queued or whose lease is over; None where there is none.

        One that somebody cancelled meanwhile is over, and so is one whose attempts since its last block are used up.
        """
        with self._database.transaction() as connection:
            wait_for_turn(connection)
            now = clock.now(connection)
            while (row := next_job(connection, now)) is not None:
                if row.cancel_asked:
                    _write(connection, row.id, _end("cancelled", now))
                elif (fruitless := row.attempts - job_of(row).progress.attempt) >= self._max_attempts:
                    reason = f"the worker ended {fruitless} times while it worked on this"
                    _write(connection, row.id, _end("failed", now, reason_code=EXHAUSTED, reason=reason))
                else:
                    return self._take(connection, row.id, worker, now)
        return None

    def advance(self, lease: Lease, progress: Progress) -> None:
        """Keep what is finished, and renew the lease. Raises LeaseLost, or Cancelled; nothing is kept then."""
        with self._database.transaction() as connection:
            now = clock.now(connection)
            values = {"progress": text_of(progress), "advanced_at": now, **self._leased(now)}
            _write_or_stop(connection, lease, values)

    def renew(self, lease: Lease) -> None:
        """Renew a lease while a block takes long. Raises LeaseLost, or Cancelled."""
        with self._database.transaction() as connection:
            _write_or_stop(connection, lease, self._leased(clock.now(connection)))

    def succeed(self, lease: Lease, progress: Progress, result_bytes: int) -> None:
        """End a job whose result is complete, cancelled or not by now. Raises LeaseLost."""
        with self._database.transaction() as connection:
            now = clock.now(connection)
            values = _end("succeeded", now, progress=text_of(progress), advanced_at=now, result_bytes=result_bytes)
            _write_leased(connection, lease, values)

    def fail(self, lease: Lease, code: str, reason: str) -> None:
        """End a job that cannot be done. Raises LeaseLost."""
        with self._database.transaction() as connection:
            _write_leased(
                connection, lease, _end("failed", clock.now(connection), reason_code=code, reason=_storable(reason))
            )

    def cancelled(self, lease: Lease) -> None:
        """End a job that its worker has stopped, because it was cancelled. Raises LeaseLost."""
        with self._database.transaction() as connection:
            _write_leased(connection, lease, _end("cancelled", clock.now(connection)))

    def release(self, lease: Lease) -> None:
        """Give a job back, without counting the attempt. One that was cancelled meanwhile is over. Raises LeaseLost."""
        with self._database.transaction() as connection:
            values = {"state": "queued", "attempts": JOBS.c.attempts - 1, "lease_until": None}
            if _write_leased(connection, lease, values):
                _write(connection, lease.job.id, _end("cancelled", clock.now(connection)))

    def cancel(self, job_id: str, *, by: str | None = None) -> Job:
        """Cancel a job: at once where no worker holds it, else as soon as its worker asks. Raises UnknownJob, Finished.

        `by` is who, where it is an act for the audit.
        """
        with self._database.transaction() as connection:
            now = clock.now(connection)
            rows = select(JOBS, is_held(now).label("held")).where(_has_id(job_id))
            row = connection.execute(rows.with_for_update()).one_or_none()
            if row is None:
                raise UnknownJob(job_id)
            if row.state in FINISHED:
                raise Finished(row.state)
            held = row.state == "running" and row.held
            _write(connection, job_id, {"cancel_asked": True} if held else _end("cancelled", now))
            if by is not None:
                audit.record(connection, by, "jobs.cancel", job_id, before=row.state)
            return job_of(connection.execute(select(JOBS).where(_has_id(job_id))).one())

    def get(self, job_id: str) -> Job | None:
        """A job, or None where there is none."""
        with self._database.reading() as connection:
            row = connection.execute(select(JOBS).where(_has_id(job_id))).one_or_none()
        return None if row is None else job_of(row)

    def list(self, owner: str | None, limit: int, *, state: State | None = None) -> Sequence[Job]:
        """The newest jobs first: of an owner or of all, in a state or in any."""
        rows = select(JOBS).order_by(JOBS.c.created_at.desc(), JOBS.c.id.desc()).limit(limit)
        if owner is not None:
            rows = rows.where(JOBS.c.owner == owner)
        if state is not None:
            rows = rows.where(JOBS.c.state == state)
        with self._database.reading() as connection:
            return [job_of(row) for row in connection.execute(rows)]

    def finished(self) -> Sequence[tuple[str, datetime]]:
        """The ids of all jobs that are over, and when they ended, oldest first."""
        rows = select(JOBS.c.id, JOBS.c.finished_at).where(JOBS.c.state.in_(FINISHED), JOBS.c.finished_at.is_not(None))
        with self._database.reading() as connection:
            found = connection.execute(rows.order_by(JOBS.c.finished_at, JOBS.c.id))
            return [(row.id, row.finished_at) for row in found]

    def ids(self) -> set[str]:
        """The id of every job."""
        with self._database.reading() as connection:
            return set(connection.scalars(select(JOBS.c.id)))

    def depth(self) -> Depth:
        """How many jobs there are of each state, and how long the oldest has waited."""
        counts = select(JOBS.c.state, func.count().label("jobs"), func.min(JOBS.c.created_at).label("oldest"))
        with self._database.reading() as connection:
            now = clock.now(connection)
            rows = {row.state: row for row in connection.execute(counts.group_by(JOBS.c.state))}
        oldest = rows["queued"].oldest if "queued" in rows else now
        jobs = {state: rows[state].jobs if state in rows else 0 for state in STATES}
        return Depth(jobs, max(0.0, (now - oldest).total_seconds()))

    def delete(self, job_id: str) -> bool:
        """Forget a job that is over, and tell whether there was one."""
        over = and_(JOBS.c.id == job_id, JOBS.c.state.in_(FINISHED))
        with self._database.transaction() as connection:
            return connection.execute(delete(JOBS).where(over)).rowcount == 1

    def _by_key(self, owner: str, idempotency_key: str | None) -> Any:
        """The row of a key; None where there is none, and none has no key."""
        found = and_(JOBS.c.owner == owner, JOBS.c.idempotency_key == idempotency_key)
        with self._database.reading() as connection:
            return connection.execute(select(JOBS).where(found, JOBS.c.idempotency_key.is_not(None))).one_or_none()

    def _leased(self, now: datetime) -> dict[str, datetime]:
        """What is written of a lease that is given or renewed."""
        return {"leased_at": now, "lease_until": now + self._lease}

    def _take(self, connection: Connection, job_id: str, worker: str, now: datetime) -> Lease:
        values = {
            "state": "running",
            "token": JOBS.c.token + 1,
            "attempts": JOBS.c.attempts + 1,
            "worker": worker,
            "turn": next_turn(connection),
            **self._leased(now),
            "started_at": now,
            "started_from": JOBS.c.progress,
            "advanced_at": None,
        }
        row = connection.execute(update(JOBS).where(JOBS.c.id == job_id).values(values).returning(JOBS)).one()
        return Lease(job_of(row), row.token)


def _has_id(job_id: str) -> ColumnElement[bool]:
    """Which row is a job's. An id is any text that somebody asks for, and a database refuses even to look for some."""
    return JOBS.c.id == job_id if _ID.fullmatch(job_id) else false()


def _storable(text: str) -> str:
    """A text that every database takes: none takes half a surrogate pair, and PostgreSQL no NUL."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")


def _end(state: State, now: datetime, **others: Any) -> dict[str, Any]:
    """What is written of a job that is over."""
    return {"state": state, "finished_at": now, "lease_until": None, **others}


def _write(connection: Connection, job_id: str, values: Mapping[str, Any]) -> None:
    """Change a row that this transaction has locked."""
    connection.execute(update(JOBS).where(JOBS.c.id == job_id).values(values))


def _write_leased(connection: Connection, lease: Lease, values: Mapping[str, Any]) -> bool:
    """Change the row of a lease that still holds, and tell whether its job was cancelled. Raises LeaseLost."""
    held = and_(JOBS.c.id == lease.job.id, JOBS.c.token == lease.token, JOBS.c.state == "running")
    written = update(JOBS).where(held).values(values).returning(JOBS.c.cancel_asked)
    asked: bool | None = connection.execute(written).scalar_one_or_none()
    if asked is None:
        raise LeaseLost(lease.job.id)
    return asked


def _write_or_stop(connection: Connection, lease: Lease, values: Mapping[str, Any]) -> None:
    """Change the row of a lease that still holds. Raises LeaseLost, or Cancelled."""
    if _write_leased(connection, lease, values):
        raise Cancelled(lease.job.id)
