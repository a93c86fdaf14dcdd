"""A job as a row of the database holds it."""

from datetime import datetime
from typing import Any

import msgspec

from churn_api.jobs.job import Job, Request
from churn_api.serving.progress import Progress


def text_of(kept: Request | Progress) -> str:
    """As the queue keeps it (JSON)."""
    return msgspec.json.encode(kept).decode()


def new_row(request: Request, now: datetime) -> dict[str, Any]:
    """What a row says of a job that nobody has worked on; who wants it is to be added."""
    nothing = text_of(Progress())
    return {
        "state": "queued",
        "request": text_of(request),
        "progress": nothing,
        "started_from": nothing,
        "attempts": 0,
        "token": 0,  # nosec B105 - a counter
        "cancel_asked": False,
        "created_at": now,
    }


def job_of(row: Any) -> Job:
    """The job of a row."""
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
