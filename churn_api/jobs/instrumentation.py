"""What a worker does, told to whoever counts it: blocks as they are scored, and jobs as they end."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Protocol, Unpack

from churn_api.jobs.job import Lease
from churn_api.jobs.queue import Leasing, Queue
from churn_api.serving.engine import Check, Engine, Function
from churn_api.serving.progress import Progress
from churn_api.serving.table_scorer import Scored
from churn_api.store.database import Database
from churn_api.tables.file_parts import Block


class JobObserver(Protocol):
    """Is told of a worker's work. Raises nothing."""

    def scored(self, rows: int, bad_rows: int) -> None:
        """A block is scored, perhaps not for the first time: what a kill cuts off is done anew."""
        ...

    def ended(self, state: str, reason: str) -> None:
        """A job is over; the reason is that of a failure, else empty."""
        ...


class ObservedQueue(Queue):
    """A queue that tells of the jobs that its worker ends."""

    def __init__(self, observer: JobObserver, database: Database, **leasing: Unpack[Leasing]) -> None:
        super().__init__(database, **leasing)
        self._observer = observer

    def succeed(self, lease: Lease, progress: Progress, result_bytes: int) -> None:
        """End a job whose result is complete, and tell."""
        super().succeed(lease, progress, result_bytes)
        self._observer.ended("succeeded", "")

    def fail(self, lease: Lease, code: str, reason: str) -> None:
        """End a job that cannot be done, and tell."""
        super().fail(lease, code, reason)
        self._observer.ended("failed", code)

    def cancelled(self, lease: Lease) -> None:
        """End a job that was cancelled, and tell."""
        super().cancelled(lease)
        self._observer.ended("cancelled", "")


def observed_engine(engine: Engine, observer: JobObserver) -> Engine:
    """An engine that tells of every block that it gives."""

    def in_order(function: Function, todo: Iterator[Block], check: Check) -> Generator[Scored, None, None]:
        with closing(engine(function, todo, check)) as blocks:
            for scored in blocks:
                observer.scored(scored.rows, scored.bad_rows)
                yield scored

    return in_order
