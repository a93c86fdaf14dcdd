"""Customers of call lists: remembered by key, to be compared with outcomes later."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.serving.call_list_options import ListedGroups
from churn_api.store import clock
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import LISTED_CUSTOMERS

_AT_ONCE = 1000


class ListedCustomers:
    """Remembers who was on which list. Identifiers are stored nowhere."""

    def __init__(self, database: Database, keys: CustomerKeys, keep_days: float) -> None:
        self._database = database
        self._keys = keys
        self._keep_days = keep_days

    def record(self, groups: ListedGroups) -> None:
        """Remember a list in place of what was recorded of it before, and forget old lists. Raises DatabaseAway.

        A customer who was on the list before keeps the day of that.
        """
        # A customer who is on a list twice is in one group: it is drawn by the customer.
        called = {self._keys.key(identifier): called for identifier, called in groups.customers}
        table = LISTED_CUSTOMERS.c
        with self._database.transaction() as connection:
            today = clock.now(connection).date()
            connection.execute(
                delete(LISTED_CUSTOMERS).where(table.listed_on < today - timedelta(days=self._keep_days))
            )
            before = _days(connection, groups.list_id)
            connection.execute(delete(LISTED_CUSTOMERS).where(table.job == groups.list_id))
            rows = [_row(groups, key, called, before.get(key, today)) for key, called in called.items()]
            for first in range(0, len(rows), _AT_ONCE):
                connection.execute(insert(LISTED_CUSTOMERS), rows[first : first + _AT_ONCE])


def _days(connection: Connection, list_id: str) -> dict[bytes, date]:
    """By customer, the day of a list that was recorded before."""
    table = LISTED_CUSTOMERS.c
    rows = connection.execute(select(table.customer, table.listed_on).where(table.job == list_id))
    return {row.customer: row.listed_on for row in rows}


def _row(groups: ListedGroups, key: bytes, called: bool, day: date) -> dict[str, Any]:
    return {
        "job": groups.list_id,
        "customer": key,
        "model": groups.model,
        "called": called,
        "listed_on": day,
        "due": day + timedelta(days=groups.horizon_days),
    }


def erase_listed(connection: Connection, customer: bytes) -> None:
    """Forget on which lists a customer was, in the transaction that erases the customer."""
    connection.execute(delete(LISTED_CUSTOMERS).where(LISTED_CUSTOMERS.c.customer == customer))
