"""Finds what was predicted lately, in one request, or for one customer, in the prediction log."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from churn_api.monitoring.erasures import Erased, erased_customers
from churn_api.monitoring.log_columns import LOG_SCHEMA, RECORD
from churn_api.monitoring.log_folder import DayFolder, LogFolder
from churn_api.monitoring.logged_predictions import without_erased
from churn_api.scoring.output import PREDICTION, PROBABILITY
from churn_api.store.database import Database


class Wanted(NamedTuple):
    """Which predictions to find: those of a request or a job, of a customer by the key, or all where both are None."""

    request_id: str | None
    customer: bytes | None

    @property
    def columns(self) -> list[str]:
        """The columns that decide."""
        return [name for name, value in self._asdict().items() if value is not None]

    def matches(self, table: pa.Table) -> pa.Table:
        """The rows of a table with these columns."""
        for name in self.columns:
            value = pa.scalar(getattr(self, name), LOG_SCHEMA.field(name).type)
            table = table.filter(pc.equal(table.column(name), value))
        return table


def found_predictions(
    folder: LogFolder, database: Database, wanted: Wanted, since: date, limit: int
) -> list[dict[str, Any]]:
    """At most `limit` predictions as JSON objects, the newest first, of days from `since`. Raises DatabaseAway.

    One file is in memory at a time.
    """
    erased = erased_customers(database)
    found: list[dict[str, Any]] = []
    for days in _newest_first(folder, since):
        rows = [
            row for day in days for part in day.parts() for row in _found_in(part, day.model, wanted, erased, limit)
        ]
        found += sorted(rows, key=lambda row: (-row["at"].timestamp(), row["row"]))
        if len(found) >= limit:
            break
    return found[:limit]


def _newest_first(folder: LogFolder, since: date) -> Iterator[Sequence[DayFolder]]:
    """The folders of all models, day by day."""
    days = [day for model in folder.models() for day in folder.days(model) if day.day >= since]
    for _, same in groupby(sorted(days, key=attrgetter("day"), reverse=True), key=attrgetter("day")):
        yield list(same)


def _found_in(part: Any, model: str, wanted: Wanted, erased: Erased, limit: int) -> list[dict[str, Any]]:
    try:
        if wanted.columns:
            some = pyarrow.parquet.read_table(part, columns=wanted.columns, partitioning=None)
            if not len(wanted.matches(some)):
                return []
        table: Any = pyarrow.parquet.read_table(part, partitioning=None)
    except FileNotFoundError:
        return []  # removed by retention since the folder was listed
    rows = without_erased(wanted.matches(table), erased).sort_by([("at", "descending"), ("row", "ascending")])
    return [_document(model, row) for row in rows.slice(0, limit).to_pylist()]


def _document(model: str, row: dict[str, Any]) -> dict[str, Any]:
    document = {
        "at": row["at"].astimezone(UTC),
        "request_id": row["request_id"],
        "row": row["row"],
        "model_name": model,
        "model_version": row["version"],
        "variant": row["variant"],
        PREDICTION.name: None if row["churn"] is None else int(row["churn"]),
        PROBABILITY.name: _shortest(row["probability"]),
        "threshold": _shortest(row["threshold"]),
    }
    if RECORD in row:
        document[RECORD] = {name: _shortest(value) for name, value in row[RECORD].items()}
    return document


def _shortest(value: Any) -> Any:
    """A float32 as the shortest number that is it; other values as they are."""
    return float(str(np.float32(value))) if isinstance(value, float) else value
