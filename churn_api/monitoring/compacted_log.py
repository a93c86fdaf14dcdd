"""The compacted prediction log as the join reads it, and its identity: machines may have a log each."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date

import pyarrow as pa
import pyarrow.parquet

from churn_api.monitoring.erasures import erased_customers
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.logged_predictions import read_day
from churn_api.store.database import Database

_IDENTITY = "identity"


class CompactedLog:
    """The predictions of one folder, without those of customers who were erased when this was made."""

    def __init__(self, folder: LogFolder, database: Database) -> None:
        """Raises DatabaseAway."""
        self._folder = folder
        self._erased = erased_customers(database)

    def days(self, model: str) -> Sequence[date]:
        """The days with predictions of a model, in order."""
        return [one.day for one in self._folder.days(model)]

    def rows(self, model: str, day: date) -> int:
        """The number of predictions of a day, or a few more."""
        rows = 0
        for part in self._folder.day(model, day).parts():
            with suppress(FileNotFoundError):  # compacted or erased since the folder was listed
                rows += pyarrow.parquet.read_metadata(part).num_rows
        return rows

    def tables(self, model: str, day: date, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The predictions of a day, in one table: a request and its shadow may be in different files."""
        yield read_day(self._folder.day(model, day), columns, self._erased)

    def state(self, model: str, day: date) -> list[tuple[str, int]]:
        """The files of a day, which are never changed in place."""
        state = []
        for part in self._folder.day(model, day).parts():
            with suppress(FileNotFoundError):
                state.append((part.name, part.stat().st_size))
        return state


def log_identity(folder: LogFolder) -> str:
    """The name under which the database knows a log; one of the processes that share the folder makes it."""
    path = folder.path / _IDENTITY
    if not path.exists():
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = path.with_name(f"{_IDENTITY}.{secrets.token_hex(8)}")
        own.write_text(secrets.token_hex(16))
        with suppress(FileExistsError):
            os.link(own, path)  # atomic, and fails where another process was first
        own.unlink()
    return path.read_text()
