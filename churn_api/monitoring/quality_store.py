"""Live quality in the database: histograms by day, and what each period was computed from."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from churn_api.monitoring.outcome_arrays import mark_known
from churn_api.monitoring.quality_counts import QualityCounts, decode, encode
from churn_api.store import clock
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import QUALITY_DAYS, QUALITY_PERIODS


class DayKey(NamedTuple):
    """What the predictions of a day are counted by."""

    version: str
    variant: str
    day: date
    contacted: bool


class ComputedPeriod(NamedTuple):
    """The predictions of a period and of some versions, counted."""

    first: date
    last: date
    inputs: str
    """A digest of what they were computed from; empty where no prediction of the period is mature."""
    days: Mapping[DayKey, QualityCounts]
    without_identifier: Mapping[str, int]
    """By version: predictions that do not count, since no outcome can name them."""
    known: Collection[int]
    """The rows of outcomes whose customers or requests have predictions."""


def stored_inputs(database: Database, log: str, model: str) -> Mapping[tuple[str, date], str]:
    """The digests of what is stored, by version and first day. Raises DatabaseAway."""
    table = QUALITY_PERIODS.c
    of_model = (table.log == log, table.model == model)
    with database.reading() as connection:
        rows = connection.execute(select(table.version, table.first, table.inputs).where(*of_model)).all()
    return {(row.version, row.first): row.inputs for row in rows}


def replace_period(database: Database, log: str, model: str, versions: Collection[str], period: ComputedPeriod) -> None:
    """Replace what is stored of a period in one transaction. Raises DatabaseAway; all is as before then."""
    key = {"log": log, "model": model}
    with database.transaction() as connection:
        for table, day in ((QUALITY_DAYS, QUALITY_DAYS.c.day), (QUALITY_PERIODS, QUALITY_PERIODS.c.first)):
            same = (table.c.log == log, table.c.model == model, table.c.version.in_(versions))
            connection.execute(delete(table).where(*same, day.between(period.first, period.last)))
        if period.inputs:
            connection.execute(insert(QUALITY_PERIODS), list(_period_rows(connection, key, versions, period)))
        if period.days:
            connection.execute(insert(QUALITY_DAYS), [key | _day_row(*item) for item in period.days.items()])
        mark_known(connection, period.known)


def read_days(connection: Connection, model: str, since: date) -> Iterator[tuple[DayKey, QualityCounts]]:
    """The histograms of a model from a day on, of every log, in order of days."""
    table = QUALITY_DAYS.c
    rows = connection.execute(
        select(QUALITY_DAYS).where(table.model == model, table.day >= since).order_by(table.day, table.version)
    )
    for row in rows:
        counts = QualityCounts(decode(row.leavers), decode(row.loyal), row.true_positives, row.false_positives)
        yield DayKey(row.version, row.variant, row.day, row.contacted), counts


def without_identifier(connection: Connection, model: str) -> Mapping[str, int]:
    """By version, the predictions that no outcome can name."""
    table = QUALITY_PERIODS.c
    total = func.sum(table.without_identifier)
    rows = connection.execute(select(table.version, total).where(table.model == model).group_by(table.version))
    return {version: int(count) for version, count in rows}


def _period_rows(
    connection: Connection, key: Mapping[str, str], versions: Collection[str], period: ComputedPeriod
) -> Iterator[dict[str, object]]:
    now = clock.now(connection)
    for version in versions:
        yield {
            **key,
            "version": version,
            "first": period.first,
            "last": period.last,
            "inputs": period.inputs,
            "without_identifier": period.without_identifier.get(version, 0),
            "computed_at": now,
        }


def _day_row(key: DayKey, counts: QualityCounts) -> dict[str, object]:
    return key._asdict() | counts._asdict() | {"leavers": encode(counts.leavers), "loyal": encode(counts.loyal)}
