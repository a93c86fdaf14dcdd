"""Older addresses of jobs: `/predict-async`, `/jobs/<job>/status` and `/tasks/<job>`."""

import uuid
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, jsonify, url_for
from flask.typing import ResponseReturnValue

from churn_api.access.caller import JOBS
from churn_api.contract.faults import Fault
from churn_api.jobs.outputs import OutputError
from churn_api.jobs.sources import SourceError
from churn_api.tables.formats import format_of_name
from churn_api.web import API_V1
from churn_api.web.core.app_services import services
from churn_api.web.core.body import Members
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import body_errors, invalid
from churn_api.web.core.response_headers import LOCATION
from churn_api.web.protocols.shared.older_schemas import (
    STATUSES,
    OlderJobStatusSchema,
    PredictAsyncSchema,
    SubmittedSchema,
    TaskSchema,
)
from churn_api.web.v1.shared.job_access import job_of_caller
from churn_api.web.v1.shared.job_schemas import JobBodySchema
from churn_api.web.v1.shared.job_submission import build_job_request, enqueue

blueprint = Blueprint("older_jobs", __name__)


@blueprint.post(f"{API_V1}/predict-async")
@operation(
    "Older addresses",
    access=JOBS,
    limit="management",
    body=PredictAsyncSchema,
    response=SubmittedSchema,
    status=202,
    problems=("unknown-model", "quota-exceeded", "model-not-ready"),
    id="predictAsync",
    response_headers=(LOCATION,),
    successor="jobs.submit",
)
def predict_async(body: Members) -> ResponseReturnValue:
    """Score a file that the service can read, in the background."""
    members = body.values
    faults = list(_faults(members))
    if faults:
        raise invalid(body_errors(faults))
    source, output = members["data_path"], members.get("output_path", "")
    chosen = {"source": source, "model": members.get("model_name"), "output": output}
    chosen |= {"result_format": format_of_name(output or source)}
    job_request = build_job_request(JobBodySchema().load({}) | chosen, source, "")
    queued, _ = enqueue(uuid.uuid4().hex, job_request, None, "", services().jobs.sources.check(source))
    location = {LOCATION.name: url_for("jobs.show", job=queued.id)}
    return jsonify({"job_id": queued.id, "status": STATUSES[queued.state]}), 202, location


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


def _faults(members: dict[str, Any]) -> Iterator[Fault]:
    """The faults of the paths that a body names."""
    checks = {"data_path": services().jobs.sources.check, "output_path": services().jobs.outputs.check}
    for member, check in checks.items():
        path = members.get(member)
        if path is None:
            continue
        if format_of_name(path) is None:
            yield Fault("required", "The file's name does not say its format.", path=(member,))
        try:
            check(path)
        except (SourceError, OutputError) as error:
            yield Fault("unusable", f"{error}.".capitalize(), path=(member,))
