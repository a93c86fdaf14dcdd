"""Change counters: workers poll them with one small query, and read the data itself only after a change."""

from typing import Literal

from sqlalchemy import Connection, select, update

from churn_api.store.tables import CHANGE_COUNTERS

Topic = Literal["keys", "models"]

_READ = select(CHANGE_COUNTERS.c.name, CHANGE_COUNTERS.c.number)


def bump(connection: Connection, topic: Topic) -> None:
    """Count a change, in the transaction that makes it."""
    connection.execute(
        update(CHANGE_COUNTERS).where(CHANGE_COUNTERS.c.name == topic).values(number=CHANGE_COUNTERS.c.number + 1)
    )


def read(connection: Connection) -> dict[str, int]:
    """The counter of every topic."""
    return {name: number for name, number in connection.execute(_READ)}  # noqa: C416 - dict() does not accept rows
