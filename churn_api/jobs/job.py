"""A job: what was asked for, how far it has come, and who may work on it."""

from datetime import datetime
from typing import Literal, NamedTuple, get_args

import msgspec

from churn_api.serving.progress import Progress

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)
FINISHED: tuple[State, ...] = ("succeeded", "failed", "cancelled")


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was asked for, as the queue keeps it (JSON)."""

    model: str
    version: str
    digest: str
    """SHA-256 of the version's card.json."""
    format: str
    """Of the input."""
    result_format: str
    threshold: float | None
    """In place of the model's own."""
    on_error: Literal["fail", "skip"]
    keep: list[str] | None
    """Columns that the result repeats; None for all."""
    source: str
    """A path below the data folder, or a URL; empty for an upload."""
    engine: str
    excel_safe: bool = False
    """Whether what begins as a formula is marked as text in the result."""


class Job(NamedTuple):
    """A job as it stood when the queue was asked."""

    id: str
    owner: str
    owner_name: str
    state: State
    request: Request
    progress: Progress
    attempts: int
    worker: str | None
    """Who works on it, or last did."""
    created_at: datetime
    started_at: datetime | None
    """When the latest attempt began."""
    finished_at: datetime | None
    reason_code: str | None
    """Why it failed."""
    reason: str | None
    result_bytes: int | None
    advanced_at: datetime | None
    """When the latest attempt last finished a block."""
    started_from: Progress
    """What the latest attempt found done."""
    cancel_asked: bool
    """Whether a running one is to stop."""

    @property
    def percent(self) -> float:
        """How much of the input is done, 0 to 100."""
        if self.state == "succeeded":
            return 100.0
        return 100 * self.progress.done / self.progress.total if self.progress.total else 0.0

    @property
    def rate(self) -> float | None:
        """Rows a second of the latest attempt, up to its last finished block; None before its first."""
        seconds = self._seconds
        return (self.progress.rows - self.started_from.rows) / seconds if seconds else None

    @property
    def seconds_left(self) -> float | None:
        """How long a running job will still take at the pace of this attempt; None where there is none yet."""
        done = self.progress.done - self.started_from.done
        if self.state != "running" or not self._seconds or not done:
            return None
        return self._seconds * (self.progress.total - self.progress.done) / done

    @property
    def _seconds(self) -> float:
        if self.started_at is None or self.advanced_at is None:
            return 0.0
        return max(0.0, (self.advanced_at - self.started_at).total_seconds())


class Lease(NamedTuple):
    """The right to work on a job, until it runs out or another takes it over."""

    job: Job
    token: int
