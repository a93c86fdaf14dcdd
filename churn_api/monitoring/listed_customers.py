"""Customers of call lists: remembered by key, to be compared with outcomes later."""

from datetime import timedelta

from sqlalchemy import Connection, delete, insert

from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.serving.call_list_options import ListedGroups
from churn_api.store import clock
from churn_api.store.database import Database
from churn_api.store.tables import LISTED_CUSTOMERS

_AT_ONCE = 1000


class ListedCustomers:
    """Remembers who was on which list. Identifiers are stored nowhere."""

    def __init__(self, database: Database, keys: CustomerKeys, keep_days: float) -> None:
        self._database = database
        self._keys = keys
        self._keep_days = keep_days

    def record(self, groups: ListedGroups) -> None:
        """Remember a list in place of what its job recorded before, and forget old lists. Raises DatabaseAway."""
        # Whoever is on a list twice is in one group: it is drawn by the customer.
        called = {self._keys.key(identifier): called for identifier, called in groups.customers}
        with self._database.transaction() as connection:
            today = clock.now(connection).date()
            of_list = {
                "job": groups.job,
                "model": groups.model,
                "listed_on": today,
                "due": today + timedelta(days=groups.horizon_days),
            }
            rows = [of_list | {"customer": key, "called": group} for key, group in called.items()]
            too_old = LISTED_CUSTOMERS.c.listed_on < today - timedelta(days=self._keep_days)
            connection.execute(delete(LISTED_CUSTOMERS).where(too_old | (LISTED_CUSTOMERS.c.job == groups.job)))
            for first in range(0, len(rows), _AT_ONCE):
                connection.execute(insert(LISTED_CUSTOMERS), rows[first : first + _AT_ONCE])


def erase_listed(connection: Connection, customer: bytes) -> None:
    """Forget on which lists a customer was, in the transaction that erases the customer."""
    connection.execute(delete(LISTED_CUSTOMERS).where(LISTED_CUSTOMERS.c.customer == customer))
