"""Counts of predictions by model version and hour, in the database."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, delete, func, insert, select

from churn_api.registry.bin_counts import Counts
from churn_api.store import clock
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import WATCH_HOURS

_STORED = np.dtype("<f8")
_DAY = timedelta(days=1)
FINISHED_AFTER = _DAY
"""After so long no process adds to an hour, unless it could not reach the database for a day."""
_SUMMED_AT_ONCE = 200
"""Hours: the thread that compacts has other work too."""


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


def read(database: Database, model: str, version: str, since: datetime, until: datetime) -> Iterator[HourCounts]:
    """The hours of a version between two moments, in order. They are read day by day. Raises DatabaseAway."""
    while since < until:
        yield from _of_a_day(database, model, version, since)
        since += _DAY


def compact(database: Database, keep_days: float) -> None:
    """Delete hours that are older than `keep_days`, and replace the rows of each finished hour by their sum.

    Any number of processes may do so at once. Raises DatabaseAway.
    """
    table = WATCH_HOURS.c
    key = (table.model, table.version, table.hour)
    with database.transaction() as connection:
        now = clock.now(connection)
        connection.execute(delete(WATCH_HOURS).where(table.hour < now - timedelta(days=keep_days)))
        finished = select(*key).where(table.hour < now - FINISHED_AFTER).group_by(*key).having(func.count() > 1)
        keys = connection.execute(finished.order_by(*key).limit(_SUMMED_AT_ONCE)).all()
    for each in keys:
        with database.transaction() as connection:
            _replace_by_sum(connection, HourKey(*each))


def _of_a_day(database: Database, model: str, version: str, since: datetime) -> list[HourCounts]:
    table = WATCH_HOURS.c
    wanted = (table.model == model, table.version == version, table.hour >= since, table.hour < since + _DAY)
    with database.reading() as connection:
        rows = connection.execute(select(table.hour, table.counts).where(*wanted).order_by(table.hour)).all()
    by_hour = groupby(rows, key=attrgetter("hour"))
    return [HourCounts(hour, _sum(row.counts for row in of_hour)) for hour, of_hour in by_hour]


def _replace_by_sum(connection: Connection, key: HourKey) -> None:
    table = WATCH_HOURS.c
    of_hour = (table.model == key.model, table.version == key.version, table.hour == key.hour)
    # What another process has deleted in the meantime is not returned, and is part of its sum.
    stored = connection.execute(delete(WATCH_HOURS).where(*of_hour).returning(table.counts)).scalars().all()
    if stored:
        _insert(connection, key, secrets.token_hex(16), _sum(stored))


def _insert(connection: Connection, key: HourKey, source: str, counts: Counts) -> None:
    connection.execute(
        insert(WATCH_HOURS), {**key._asdict(), "source": source, "counts": counts.astype(_STORED).tobytes()}
    )


def _sum(stored: Iterable[bytes]) -> Counts:
    return np.asarray(np.sum([np.frombuffer(each, _STORED) for each in stored], axis=0), np.float64)
