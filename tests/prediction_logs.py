"""A prediction log in memory, made of rows."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

import pyarrow as pa

from churn_api.monitoring.customer_keys import CustomerKeys

KEYS = CustomerKeys(b"a secret of the tests, 32 bytes.")

SCHEMA = pa.schema(
    [
        ("at", pa.timestamp("us", "UTC")),
        ("request_id", pa.string()),
        ("row", pa.int32()),
        ("customer", pa.binary(12)),
        ("version", pa.string()),
        ("variant", pa.string()),
        ("probability", pa.float32()),
        ("threshold", pa.float64()),
    ]
)


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
            yield pa.Table.from_pylist(rows, SCHEMA).select(list(columns))
