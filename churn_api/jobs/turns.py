"""Whose job comes next: keys take turns, so that one key's many jobs delay another's by one job, not by all."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, text

from churn_api.store.tables import JOBS

_LOCK = 4_713_090_822
"""Any number: of workers that claim at the same moment, one sees whose turn it is after the other."""

CLOCK_TOLERANCE = timedelta(seconds=30)

_OTHERS = JOBS.alias()
_LATEST_TURN = select(func.max(_OTHERS.c.turn)).where(_OTHERS.c.owner == JOBS.c.owner).scalar_subquery()


def wait_for_turn(connection: Connection) -> None:
    """Let one worker at a time claim, to be asked before what the time is; on SQLite who writes is alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def next_job(connection: Connection, now: datetime) -> Any:
    """The row to be taken next, locked: the oldest one of the key that was served longest ago. None where none waits.

    A job that is queued waits, and so does one whose lease is over.
    """
    waits = or_(JOBS.c.state == "queued", and_(JOBS.c.state == "running", ~is_held(now)))
    in_turn = (func.coalesce(_LATEST_TURN, 0), JOBS.c.created_at, JOBS.c.id)
    rows = select(JOBS).where(waits).order_by(*in_turn).limit(1)
    return connection.execute(rows.with_for_update(of=JOBS, skip_locked=True)).one_or_none()


def next_turn(connection: Connection) -> int:
    """The number of the turn that begins. A count, not a time: clocks may be set back."""
    latest: int | None = connection.execute(select(func.max(JOBS.c.turn))).scalar()
    return (latest or 0) + 1


def is_held(now: datetime) -> ColumnElement[bool]:
    """Whether the lease of a running job is in force.

    One that was given later than now is over: the clock was set back since, and it would last until the clock has
    caught up. Not by a little: another transaction may have given it while this one waited.
    """
    return and_(JOBS.c.lease_until >= now, func.coalesce(JOBS.c.leased_at, now) <= now + CLOCK_TOLERANCE)
