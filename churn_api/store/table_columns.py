"""What all tables are made of. Times are UTC.

SQLAlchemy Core, not the ORM: a program with a few small queries does not need the ORM, which takes seven megabytes of
memory in every server.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Column, DateTime, MetaData
from sqlalchemy.types import TypeDecorator


class Utc(TypeDecorator[datetime]):
    """A UTC time. SQLite stores no time zone, so it is removed when writing and added when reading."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Remove the time zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Add the time zone."""
        return None if value is None else value.replace(tzinfo=UTC)


METADATA = MetaData()
"""All tables, once `tables` and `monitoring_tables` are imported."""

key = partial(Column, primary_key=True)
required = partial(Column, nullable=False)
optional = partial(Column, nullable=True)
