"""A job as JSON."""

from typing import Any

import msgspec
from flask import url_for

from churn_api.jobs.job import Job


def job_json(job: Job) -> dict[str, Any]:
    """The JSON object of a job, with links to its result and errors where they exist."""
    job_request, progress = job.request, job.progress
    return {
        "id": job.id,
        "state": "cancelling" if job.cancel_asked and job.state == "running" else job.state,
        "model": job_request.model,
        "version": job_request.version,
        "format": job_request.format,
        "result_format": job_request.result_format,
        "on_error": job_request.on_error,
        "policy": job_request.costs.policy if job_request.costs else None,
        "rows": progress.rows,
        "bad_rows": progress.bad_rows,
        "more_errors": progress.more_errors,
        "percent": round(job.percent, 2),
        "rows_per_second": None if job.rate is None else round(job.rate, 1),
        "seconds_left": None if job.seconds_left is None else round(job.seconds_left, 1),
        "attempts": job.attempts,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "reason": None if job.reason_code is None else {"code": job.reason_code, "detail": job.reason},
        "result_bytes": job.result_bytes,
        "unseen": progress.unseen,
        "outside": progress.outside,
        "links": _links(job),
        **_call_list(job),
    }


def _call_list(job: Job) -> dict[str, Any]:
    """The member `call_list`: what was asked for, and once it is finished, what it amounts to."""
    wanted = job.request.call_list
    if wanted is None:
        return {}
    totals = msgspec.to_builtins(job.progress.call_list) if job.progress.call_list else {}
    asked = {name: getattr(wanted, name) for name in ("policy", "capacity", "budget", "control_share")}
    return {"call_list": asked | totals}


def _links(job: Job) -> dict[str, str]:
    links = {"self": url_for("jobs.show", job=job.id)}
    if job.state == "succeeded":
        links["result"] = url_for("results.result", job=job.id)
    if job.state == "succeeded" or job.reason_code == "validation-failed":
        links["errors"] = url_for("results.errors", job=job.id)
    return links
