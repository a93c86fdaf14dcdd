"""Reads the prediction log, day by day."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from churn_api.monitoring.customer_keys import KEY_BYTES
from churn_api.monitoring.erasures import Erased, erased_customers
from churn_api.monitoring.log_columns import LOG_SCHEMA
from churn_api.monitoring.log_folder import DayFolder, LogFolder
from churn_api.store.database import Database

_TO_ERASE = ("at", "customer")


class LoggedDay(NamedTuple):
    """What one model predicted on one day, in UTC."""

    day: date
    table: pa.Table
    """The columns that were asked for, of LOG_SCHEMA; in no particular order."""


def logged_days(
    folder: LogFolder,
    database: Database,
    model: str,
    columns: Sequence[str] = tuple(LOG_SCHEMA.names),
    *,
    since: date = date.min,
    newest_first: bool = False,
) -> Iterator[LoggedDay]:
    """The compacted predictions of a model, without those of erased customers, one day in memory at a time.

    A prediction is compacted about two minutes after it was made. Raises DatabaseAway.
    """
    erased = erased_customers(database)
    days = [day for day in folder.days(model) if day.day >= since]
    for day in reversed(days) if newest_first else days:
        yield LoggedDay(day.day, read_day(day, columns, erased))


def without_erased(table: pa.Table, erased: Erased) -> pa.Table:
    """The rows of a table with `at` and `customer` that are of no erased customer, or were predicted afterwards."""
    if not erased:
        return table
    keys = pa.array(list(erased), pa.binary(KEY_BYTES))
    until = pa.array(list(erased.values()), LOG_SCHEMA.field("at").type)
    moments = until.take(pc.index_in(table.column("customer").combine_chunks(), keys))
    is_erased = pc.fill_null(pc.less_equal(table.column("at").combine_chunks(), moments), False)
    return table.filter(pc.invert(is_erased))


def read_day(day: DayFolder, columns: Sequence[str], erased: Erased) -> pa.Table:
    """The predictions of a day without those of erased customers, in no particular order."""
    schema = pa.schema([LOG_SCHEMA.field(name) for name in columns])
    wanted = list(dict.fromkeys([*columns, *(_TO_ERASE if erased else ())]))
    tables = [schema.empty_table()]
    for part in day.parts():
        try:
            read: Any = pyarrow.parquet.read_table(part, columns=wanted, partitioning=None)
        except FileNotFoundError:
            continue  # removed by retention or erasure since the folder was listed
        tables.append(without_erased(read, erased).select(list(columns)))
    return pa.concat_tables(tables)
