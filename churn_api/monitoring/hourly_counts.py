"""Counts of predictions by model version and hour, in the database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, Row, delete, insert, select

from churn_api.registry.bin_counts import Counts
from churn_api.store import clock
from churn_api.store.database import Database
from churn_api.store.tables import WATCH_HOURS

_STORED = np.dtype("<f8")
_SUMMED = ""
"""The source of sums."""
FINISHED_AFTER = timedelta(hours=2)
"""After so long no process adds to an hour: each writes its counts every few seconds."""
_SUMMED_AT_ONCE = 2000
"""Rows."""


class HourKey(NamedTuple):
    """What counts are of."""

    model: str
    version: str
    hour: datetime


class HourCounts(NamedTuple):
    """The counts of one hour, over all processes."""

    hour: datetime
    counts: Counts


def write(database: Database, source: str, changed: Mapping[HourKey, Counts]) -> None:
    """Replace what a process has counted in each hour. Raises DatabaseAway."""
    table = WATCH_HOURS.c
    with database.transaction() as connection:
        for key, counts in changed.items():
            same = (table.model == key.model, table.version == key.version, table.hour == key.hour)
            connection.execute(delete(WATCH_HOURS).where(*same, table.source == source))
            _insert(connection, key, source, counts)


def read(database: Database, model: str, version: str, since: datetime) -> Sequence[HourCounts]:
    """The hours of a version from `since` on, in order. Raises DatabaseAway."""
    table = WATCH_HOURS.c
    wanted = (table.model == model, table.version == version, table.hour >= since)
    statement = select(table.hour, table.counts).where(*wanted).order_by(table.hour)
    with database.reading() as connection:
        rows = connection.execute(statement).all()
    sums = _sums((row.hour, row.counts) for row in rows)
    return [HourCounts(hour, counts) for hour, counts in sums.items()]


def compact(database: Database, keep_days: float) -> None:
    """Delete hours that are older than `keep_days`, and sum the rows of finished hours. Raises DatabaseAway."""
    table = WATCH_HOURS.c
    with database.transaction() as connection:
        now = clock.now(connection)
        connection.execute(delete(WATCH_HOURS).where(table.hour < now - timedelta(days=keep_days)))
        for rows in _finished_hours(connection, now - FINISHED_AFTER):
            _replace_by_sum(connection, rows)


def _finished_hours(connection: Connection, before: datetime) -> Iterable[list[Row[tuple[object, ...]]]]:
    """The rows of each finished hour that has any of a process; the database returns only so many at once."""
    table = WATCH_HOURS.c
    key = (table.model, table.version, table.hour)
    hours = select(*key).where(table.hour < before, table.source != _SUMMED).distinct().limit(_SUMMED_AT_ONCE)
    for model, version, hour in connection.execute(hours).all():
        of_hour = (table.model == model, table.version == version, table.hour == hour)
        yield list(connection.execute(select(WATCH_HOURS).where(*of_hour)).all())


def _replace_by_sum(connection: Connection, rows: Sequence[Row[tuple[object, ...]]]) -> None:
    key = HourKey(rows[0].model, rows[0].version, rows[0].hour)
    table = WATCH_HOURS.c
    of_hour = (table.model == key.model, table.version == key.version, table.hour == key.hour)
    (counts,) = _sums((key.hour, row.counts) for row in rows).values()
    connection.execute(delete(WATCH_HOURS).where(*of_hour))
    _insert(connection, key, _SUMMED, counts)


def _insert(connection: Connection, key: HourKey, source: str, counts: Counts) -> None:
    connection.execute(
        insert(WATCH_HOURS), {**key._asdict(), "source": source, "counts": counts.astype(_STORED).tobytes()}
    )


def _sums(rows: Iterable[tuple[datetime, bytes]]) -> dict[datetime, Counts]:
    """By hour; rows of another length are of a bundle that was replaced, and are left out."""
    sums: dict[datetime, Counts] = {}
    for hour, stored in rows:
        counts = np.frombuffer(stored, _STORED).astype(np.float64)
        if hour not in sums:
            sums[hour] = counts
        elif len(counts) == len(sums[hour]):
            sums[hour] += counts
    return sums
