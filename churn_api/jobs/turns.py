"""Fair scheduling: API keys take turns, so that one key's many jobs delay another key's job by one job, not by all."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, text

from churn_api.store.tables import JOBS

_LOCK = 4_713_090_822
"""An arbitrary number: the advisory lock that makes workers claim jobs one at a time."""

CLOCK_TOLERANCE = timedelta(seconds=30)

_OTHERS = JOBS.alias()
_LATEST_TURN = select(func.max(_OTHERS.c.turn)).where(_OTHERS.c.owner == JOBS.c.owner).scalar_subquery()


def lock_claims(connection: Connection) -> None:
    """Let one worker at a time claim a job. Call it before reading the clock. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def next_job(connection: Connection, now: datetime) -> Any:
    """The row to claim next, locked: the oldest job of the key that was served longest ago. None where none waits.

    A job waits when it is queued, or when its lease has expired.
    """
    waits = or_(JOBS.c.state == "queued", and_(JOBS.c.state == "running", ~is_leased(now)))
    in_turn = (func.coalesce(_LATEST_TURN, 0), JOBS.c.created_at, JOBS.c.id)
    rows = select(JOBS).where(waits).order_by(*in_turn).limit(1)
    return connection.execute(rows.with_for_update(of=JOBS, skip_locked=True)).one_or_none()


def next_turn(connection: Connection) -> int:
    """The number of the next turn. A counter, not a time: clocks may be set back."""
    latest: int | None = connection.execute(select(func.max(JOBS.c.turn))).scalar()
    return (latest or 0) + 1


def is_leased(now: datetime) -> ColumnElement[bool]:
    """Whether the lease of a running job is valid.

    A lease that starts in the future has expired: the clock was set back, and the lease would last until the clock
    caught up. A small difference is tolerated: another transaction may have granted it while this one waited.
    """
    return and_(JOBS.c.lease_until >= now, func.coalesce(JOBS.c.leased_at, now) <= now + CLOCK_TOLERANCE)
