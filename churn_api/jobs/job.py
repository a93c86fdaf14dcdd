"""A job: its request, its progress, and the lease of the worker that runs it."""

from datetime import datetime
from typing import Literal, NamedTuple, get_args

import msgspec

from churn_api.registry.decision import CostsInForce
from churn_api.serving.call_list_options import CallList
from churn_api.serving.scoring_progress import Progress

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)
FINISHED: tuple[State, ...] = ("succeeded", "failed", "cancelled")


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the client requested, as the database stores it (JSON)."""

    model: str
    version: str
    digest: str
    """SHA-256 of the version's card.json."""
    format: str
    """Format of the input."""
    result_format: str
    threshold: float | None
    """Overrides the model's threshold."""
    on_error: Literal["fail", "skip"]
    keep: list[str] | None
    """Input columns that the result contains; None for all."""
    source: str
    """A path below DATA_DIR, or a URL; empty for an upload."""
    engine: str
    excel_safe: bool = False
    """Whether texts that begin like a formula are escaped in the result."""
    encoding: str | None = None
    """Encoding of the input, where it is text; by default UTF-8, or its byte order mark's."""
    skip_rows: int = 0
    """Lines above the input's header."""
    sheet: str | None = None
    """Sheet of the input, where it is a workbook; by default the first."""
    reasons: int = 0
    """How many reasons each row of the result has."""
    costs: CostsInForce | None = None
    """The costs that decided when it was submitted, where no threshold was sent."""
    call_list: CallList | None = None
    """To list customers to call; None for the scores of all."""
    output: str = ""
    """A path below DATA_DIR that the result is copied to; empty for none."""


class Job(NamedTuple):
    """A snapshot of a job."""

    id: str
    owner: str
    owner_name: str
    state: State
    request: Request
    progress: Progress
    attempts: int
    worker: str | None
    """The worker of the latest attempt."""
    created_at: datetime
    started_at: datetime | None
    """When the latest attempt began."""
    finished_at: datetime | None
    reason_code: str | None
    """Code of the failure."""
    reason: str | None
    result_bytes: int | None
    advanced_at: datetime | None
    """When the latest attempt last finished a block."""
    started_from: Progress
    """Progress at the start of the latest attempt."""
    cancel_asked: bool
    """Whether a running job has been asked to stop."""

    @property
    def percent(self) -> float:
        """Share of the input that is done, 0 to 100."""
        if self.state == "succeeded":
            return 100.0
        return 100 * self.progress.done / self.progress.total if self.progress.total else 0.0

    @property
    def rate(self) -> float | None:
        """Rows per second of the latest attempt, up to its last finished block; None before its first."""
        seconds = self._seconds
        return (self.progress.rows - self.started_from.rows) / seconds if seconds else None

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining seconds of a running job at the rate of this attempt; None before its first block."""
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
    """The right to run a job, until it expires or another worker takes the job over."""

    job: Job
    token: int
    """Fencing token: higher than that of every earlier lease on the job."""
