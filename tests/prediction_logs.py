"""Prediction logs that are made of rows, in memory and in files."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet

from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.log_columns import LOG_SCHEMA
from churn_api.monitoring.log_folder import LogFolder

KEYS = CustomerKeys(b"a secret of the tests, 32 bytes.")


class Logged(NamedTuple):
    """One prediction."""

    at: datetime
    request_id: str | None = None
    row: int = 0
    customer: str | None = None
    version: str = "1"
    variant: str = "live"
    probability: float = 0.5
    threshold: float = 0.5
    churn: bool = True


def request_key(request_id: str) -> bytes:
    """The key of a request id, as outcomes have it."""
    key = KEYS.key(f"\0request {request_id}")
    assert key is not None
    return key


class LogInMemory:
    """The predictions of one model; a day is read in tables of at most `table_rows`."""

    def __init__(self, predictions: Sequence[Logged], table_rows: int = 3) -> None:
        self._table_rows = table_rows
        self._by_day: dict[date, list[Logged]] = {}
        for one in predictions:
            self._by_day.setdefault(one.at.astimezone(UTC).date(), []).append(one)

    def days(self, model: str) -> Sequence[date]:
        return sorted(self._by_day)

    def rows(self, model: str, day: date) -> int:
        return len(self._by_day[day])

    def tables(self, model: str, day: date, columns: Sequence[str]) -> Iterator[pa.Table]:
        found = self._by_day[day]
        for start in range(0, len(found), self._table_rows):
            rows = [
                one._replace(customer=KEYS.key(one.customer))._asdict()
                for one in found[start : start + self._table_rows]
            ]
            yield pa.Table.from_pylist(rows, LOG_SCHEMA).select(list(columns))


def write_day(folder: LogFolder, model: str, predictions: Sequence[Logged], keys: CustomerKeys = KEYS) -> None:
    """Add a file with predictions of one day to a log, as compaction does."""
    path = folder.day(model, predictions[0].at.date()).path
    path.mkdir(parents=True, exist_ok=True)
    rows = [one._replace(customer=keys.key(one.customer))._asdict() for one in predictions]
    table = pa.Table.from_pylist(rows, LOG_SCHEMA)
    pyarrow.parquet.write_table(table, path / f"part-{len(list(path.iterdir())):04}.parquet")
