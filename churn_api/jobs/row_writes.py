"""Updates of a job's row, used by the queue and by leases."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from churn_api.jobs.job import State
from churn_api.store.tables import JOBS


def end_values(state: State, now: datetime, **others: Any) -> dict[str, Any]:
    """The columns to write when a job ends."""
    return {"state": state, "finished_at": now, "lease_until": None, **others}


def update_row(connection: Connection, job_id: str, values: Mapping[str, Any]) -> None:
    """Update a row that this transaction has locked."""
    connection.execute(update(JOBS).where(JOBS.c.id == job_id).values(values))
