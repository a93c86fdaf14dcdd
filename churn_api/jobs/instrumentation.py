"""Reports a worker's activity to an observer: each scored block, and each finished job."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Protocol, Unpack

from churn_api.jobs.job import Lease
from churn_api.jobs.leases import Leases, Leasing
from churn_api.registry.bin_counts import Counts
from churn_api.serving.engine import Check, Engine, Function
from churn_api.serving.predicted_rows import JobBlock, PredictedRows
from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.serving.scoring_progress import Progress
from churn_api.store.database import Database
from churn_api.tables.file_parts import Block


class JobObserver(Protocol):
    """Receives a worker's activity. Its methods must not raise."""

    def scored(self, rows: int, bad_rows: int) -> None:
        """Called after each scored block. A block is scored again, and reported again, when a kill interrupts it."""
        ...

    def ended(self, state: str, reason: str) -> None:
        """Called when a job ends; `reason` is the code of a failure, else empty."""
        ...


class BlockCounter(Protocol):
    """Counts the predictions of blocks whose progress is saved. Flushing raises DatabaseAway."""

    def add(self, model: str, version: str, counts: Counts) -> None:
        """Add the counts of a block."""
        ...

    def flush_if_due(self) -> None:
        """Write what was counted, every few seconds."""
        ...

    def flush(self) -> None:
        """Write what was counted."""
        ...


class BlockLog(Protocol):
    """Logs the predictions of blocks. It must not raise."""

    def block_predicted(self, block: JobBlock, rows: PredictedRows) -> None:
        """Log a block, before its progress is saved: it may be scored, and logged, again."""
        ...


class ObservedLeases(Leases):
    """Leases that report the jobs that end."""

    def __init__(self, observer: JobObserver, database: Database, **leasing: Unpack[Leasing]) -> None:
        super().__init__(database, **leasing)
        self._observer = observer

    def succeed(self, lease: Lease, progress: Progress, result_bytes: int) -> None:
        """End a job whose result is complete, and report it."""
        super().succeed(lease, progress, result_bytes)
        self._observer.ended("succeeded", "")

    def fail(self, lease: Lease, code: str, reason: str) -> None:
        """End a job that cannot be completed, and report it."""
        super().fail(lease, code, reason)
        self._observer.ended("failed", code)

    def cancelled(self, lease: Lease) -> None:
        """End a job that was cancelled, and report it."""
        super().cancelled(lease)
        self._observer.ended("cancelled", "")


def observed_engine(engine: Engine, observer: JobObserver) -> Engine:
    """An engine that reports every block that it yields."""

    def in_order(function: Function, todo: Iterator[Block], check: Check) -> Generator[ScoredBlock, None, None]:
        with closing(engine(function, todo, check)) as blocks:
            for scored in blocks:
                observer.scored(scored.rows, scored.bad_rows)
                yield scored

    return in_order
