"""Customers whose predictions were erased: reads leave them out at once, compaction rewrites the files later."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from churn_api.monitoring.listed_customers import erase_listed
from churn_api.monitoring.outcome_store import erase_outcomes
from churn_api.store import audit, clock
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import ERASURES

Erased = Mapping[bytes, datetime]
"""By a customer's key: what was predicted until this moment is erased."""


def erase(database: Database, customer: bytes, *, by: str) -> datetime:
    """Erase all that was predicted for a customer until now and all outcomes; return the moment. Raises DatabaseAway.

    The audit has the customer's key, and no identifier.
    """
    try:
        return _erase(database, customer, by)
    except IntegrityError:
        # Another process has erased the same customer at the same moment: its row exists now.
        return _erase(database, customer, by)


def erased_customers(database: Database) -> Erased:
    """All customers who were erased. Raises DatabaseAway."""
    with database.reading() as connection:
        rows = connection.execute(select(ERASURES.c.customer, ERASURES.c.at)).all()
    return {row.customer: row.at for row in rows}


def forget_old_erasures(database: Database, keep_days: float) -> None:
    """Delete erasures of which no prediction can be left. Raises DatabaseAway."""
    with database.transaction() as connection:
        # A day more: predictions are kept in days.
        limit = clock.now(connection) - timedelta(days=keep_days + 1)
        connection.execute(delete(ERASURES).where(ERASURES.c.at < limit))


def _erase(database: Database, customer: bytes, by: str) -> datetime:
    with database.transaction() as connection:
        now = clock.now(connection)
        _remember(connection, customer, now, by)
        erase_listed(connection, customer)
        erase_outcomes(connection, customer)
        audit.record(connection, by, "predictions.erase", customer.hex())
    return now


def _remember(connection: Connection, customer: bytes, now: datetime, by: str) -> None:
    values = {"at": now, "by": by}
    updated = connection.execute(update(ERASURES).where(ERASURES.c.customer == customer).values(values))
    if not updated.rowcount:
        connection.execute(insert(ERASURES).values(customer=customer, **values))
