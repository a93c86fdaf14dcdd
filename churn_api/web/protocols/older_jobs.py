"""Older addresses of jobs: `/jobs/<job>/status` and `/tasks/<job>`."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import JOBS
from churn_api.web import API_V1
from churn_api.web.core.operation import operation
from churn_api.web.protocols.shared.older_schemas import STATUSES, OlderJobStatusSchema, TaskSchema
from churn_api.web.v1.shared.job_access import job_of_caller

blueprint = Blueprint("older_jobs", __name__)


@blueprint.get(f"{API_V1}/jobs/<job>/status")
@operation(
    "Older addresses",
    access=JOBS,
    response=OlderJobStatusSchema,
    problems=("unknown-job",),
    id="getJobStatus",
    successor="jobs.show",
)
def status(job: str) -> ResponseReturnValue:
    """Show whether a job is finished."""
    row = job_of_caller(job)
    error = "the job was cancelled" if row.state == "cancelled" else row.reason
    members = {"job_id": row.id, "status": STATUSES[row.state], "progress": round(row.percent, 2), "error": error}
    return jsonify(members)


@blueprint.get("/tasks/<job>")
@operation(
    "Older addresses",
    access=JOBS,
    response=TaskSchema,
    problems=("unknown-job",),
    id="getTask",
    successor="jobs.show",
)
def task(job: str) -> ResponseReturnValue:
    """Show whether a job is finished."""
    row = job_of_caller(job)
    return jsonify({"task_id": row.id, "status": STATUSES[row.state]})
