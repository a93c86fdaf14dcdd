"""Reads outcomes from the database as arrays, and what has changed among them."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Integer, cast, func, select, update

from churn_api.monitoring.outcome_events import Outcomes, subjects_of_keys
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import OUTCOMES

_AT_ONCE = 10_000

Ids = NDArray[np.int64]


class DayState(NamedTuple):
    """Changes whenever the outcomes of a day change: rows are added, or deleted by an erasure."""

    rows: int
    last_id: int
    by_request: bool
    """Whether any of them names a request."""


def read_outcomes(database: Database, model: str, first: date, last: date) -> tuple[Outcomes, Ids]:
    """A model's outcomes between two days, without replaced ones, and the ids of their rows. Raises DatabaseAway."""
    columns = [OUTCOMES.c[name] for name in ("subject", "day", "left", "contacted", "by_request", "id")]
    wanted = (OUTCOMES.c.model == model, OUTCOMES.c.day.between(first, last), OUTCOMES.c.replaced_at.is_(None))
    parts = [_arrays([])]
    with database.reading() as connection:
        result = connection.execute(select(*columns).where(*wanted).order_by(OUTCOMES.c.id))
        parts += [_arrays(rows) for rows in result.partitions(_AT_ONCE)]
    *outcomes, ids = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Outcomes(*outcomes), ids


def day_states(database: Database, model: str) -> Mapping[date, DayState]:
    """The state of each day with outcomes of a model. Raises DatabaseAway."""
    by_request = func.max(cast(OUTCOMES.c.by_request, Integer))
    columns = (OUTCOMES.c.day, func.count(), func.max(OUTCOMES.c.id), by_request)
    query = select(*columns).where(OUTCOMES.c.model == model).group_by(OUTCOMES.c.day)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    return {day: DayState(count, last, bool(requests)) for day, count, last, requests in rows}


def mark_known(connection: Connection, ids: Iterable[int]) -> None:
    """Record that predictions of the subjects of these rows were found."""
    todo = list(ids)
    for start in range(0, len(todo), _AT_ONCE):
        some = OUTCOMES.c.id.in_(todo[start : start + _AT_ONCE])
        connection.execute(update(OUTCOMES).where(some, ~OUTCOMES.c.known).values(known=True))


def unknown_outcomes(connection: Connection, model: str, until: date) -> int:
    """The number of outcomes up to a day whose customers or requests no prediction is known of."""
    wanted = (OUTCOMES.c.model == model, OUTCOMES.c.day <= until, OUTCOMES.c.replaced_at.is_(None), ~OUTCOMES.c.known)
    return connection.execute(select(func.count()).select_from(OUTCOMES).where(*wanted)).scalar_one()


def _arrays(rows: Iterable[tuple[bytes, date, bool, bool, bool, int]]) -> tuple[NDArray[np.generic], ...]:
    found = list(rows)
    subjects = subjects_of_keys(b"".join(bytes(row[0]) for row in found))
    days = np.array([row[1].toordinal() for row in found], np.int64)
    truths = (np.array([row[position] for row in found], bool) for position in (2, 3, 4))
    return (subjects, days, *truths, np.array([row[5] for row in found], np.int64))
