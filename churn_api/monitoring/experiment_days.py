"""Sums over mature outcomes, by day and experiment, in the database."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import cast

from sqlalchemy import delete, func, insert, select

from churn_api.monitoring.confidence_sequence import Sums
from churn_api.monitoring.experiment_verdict import Measure, SumsOf
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import EXPERIMENT_DAYS


def replace_days(
    database: Database,
    experiment: str,
    days: tuple[date, date],
    variants: Collection[str],
    sums: Mapping[tuple[date, Measure, str], Sums],
) -> None:
    """Replace the sums of some variants from one day to another, in one transaction. Raises DatabaseAway."""
    table = EXPERIMENT_DAYS.c
    first, last = days
    of_days = table.day.between(str(first), str(last))
    rows = [
        {"experiment": experiment, "day": str(day), "measure": measure, "variant": variant, "rows": each.size}
        | {"total": each.total, "squares": each.squares}
        for (day, measure, variant), each in sums.items()
        if variant in variants and each.size
    ]
    with database.transaction() as connection:
        mine = (table.experiment == experiment, of_days, table.variant.in_(list(variants)))
        connection.execute(delete(EXPERIMENT_DAYS).where(*mine))
        if rows:
            connection.execute(insert(EXPERIMENT_DAYS), rows)


def read_sums(database: Database, experiment: str) -> SumsOf:
    """The sums of all days, by measure and variant. Raises DatabaseAway."""
    table = EXPERIMENT_DAYS.c
    key = (table.measure, table.variant)
    wanted = (*key, func.sum(table.rows), func.sum(table.total), func.sum(table.squares))
    query = select(*wanted).where(table.experiment == experiment).group_by(*key)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    return {
        (cast("Measure", measure), variant): Sums(int(size), total, squares)
        for measure, variant, size, total, squares in rows
    }
