"""Conversion between a job and its row in the database."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict

import msgspec

from churn_api.jobs.job import Job, Request
from churn_api.serving.scoring_progress import Progress


class Submission(TypedDict):
    """What a row holds of a new job in addition to its request."""

    id: str
    owner: str
    owner_name: str
    idempotency_key: NotRequired[str | None]
    fingerprint: NotRequired[str]
    input_bytes: NotRequired[int]


def text_of(value: Request | Progress) -> str:
    """JSON, as the row holds it."""
    return msgspec.json.encode(value).decode()


def new_row(request: Request, submission: Submission, now: datetime) -> dict[str, Any]:
    """The row of a job that no worker has run yet."""
    no_progress = text_of(Progress())
    return {
        "state": "queued",
        "request": text_of(request),
        "progress": no_progress,
        "started_from": no_progress,
        "attempts": 0,
        "token": 0,  # nosec B105 - a counter
        "cancel_asked": False,
        "created_at": now,
        "fingerprint": "",
        "input_bytes": 0,
        **submission,
    }


def job_of(row: Any) -> Job:
    """The job that a row describes."""
    return Job(
        id=row.id,
        owner=row.owner,
        owner_name=row.owner_name,
        state=row.state,
        request=msgspec.json.decode(row.request, type=Request),
        progress=msgspec.json.decode(row.progress, type=Progress),
        attempts=row.attempts,
        worker=row.worker,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        reason_code=row.reason_code,
        reason=row.reason,
        result_bytes=row.result_bytes,
        advanced_at=row.advanced_at,
        started_from=msgspec.json.decode(row.started_from, type=Progress),
        cancel_asked=row.cancel_asked,
    )
