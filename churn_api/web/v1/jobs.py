"""Jobs: tables that are scored in the background. Routes that submit, list, show and cancel them."""

import uuid
from typing import Any

from flask import Blueprint, jsonify, url_for
from flask.typing import ResponseReturnValue

from churn_api.access.caller import JOBS
from churn_api.web.core.app_services import services
from churn_api.web.core.auth import caller
from churn_api.web.core.body import Members
from churn_api.web.core.operation import operation
from churn_api.web.core.response_headers import LOCATION
from churn_api.web.v1.shared.job_access import files_of, job_of_caller
from churn_api.web.v1.shared.job_input import input_bytes, save_upload
from churn_api.web.v1.shared.job_json import job_json
from churn_api.web.v1.shared.job_schemas import JobAnswerSchema, JobBodySchema, JobListSchema, JobsQuerySchema
from churn_api.web.v1.shared.job_submission import IDEMPOTENCY_KEY, build_job_request, enqueue, read_idempotency_key
from churn_api.web.v1.shared.prediction_schemas import ResultQuerySchema

blueprint = Blueprint("jobs", __name__)


@blueprint.post("/jobs")
@operation(
    "Jobs",
    access=JOBS,
    limit="management",
    query=ResultQuerySchema,
    body=JobBodySchema,
    response=JobAnswerSchema,
    status=202,
    problems=(
        "unknown-model",
        "unknown-version",
        "other-kind-of-model",
        "conflict",
        "quota-exceeded",
        "model-not-ready",
    ),
    id="createJob",
    request_headers=(IDEMPOTENCY_KEY,),
    response_headers=(LOCATION,),
)
def submit(query: dict[str, Any], body: Members) -> ResponseReturnValue:
    """Score a file of any size: an upload in the part `file`, or a file that the service can read, named by `source`.

    The response comes at once, and its `Location` is the job's address. The job uses the version that is live now.
    Sending the same `Idempotency-Key` again returns the same job.
    """
    key = read_idempotency_key()
    job = uuid.uuid4().hex
    size = input_bytes(body)
    if key is None:
        # Check the quota before the file is copied. With a key this may be a job that the queue already has.
        services().jobs.queue.require_room(caller().identity, services().jobs.quota, size)
    if body.file is not None:
        job_request = build_job_request(body.values | query, body.file.filename or "", body.file.mimetype)
        digest = save_upload(job, body.file)
    else:
        job_request, digest = build_job_request(body.values | query, body.values["source"], ""), ""
    queued, is_new = enqueue(job, job_request, key, digest, size)
    if not is_new:
        files_of(job).remove()
    location = {LOCATION.name: url_for("jobs.show", job=queued.id)}
    return jsonify(job_json(queued)), 202, location


@blueprint.get("/jobs")
@operation("Jobs", access=JOBS, limit="management", query=JobsQuerySchema, response=JobListSchema)
def list_jobs(query: dict[str, Any]) -> ResponseReturnValue:
    """List your jobs, the newest first."""
    jobs = services().jobs.queue.list(caller().identity, query["limit"], state=query.get("state"))
    return jsonify({"jobs": [job_json(job) for job in jobs], "count": len(jobs)})


@blueprint.get("/jobs/<job>")
@operation("Jobs", access=JOBS, response=JobAnswerSchema, problems=("unknown-job",), id="getJob")
def show(job: str) -> ResponseReturnValue:
    """Show a job: its state, its progress, and the estimated time left."""
    return jsonify(job_json(job_of_caller(job)))


@blueprint.delete("/jobs/<job>")
@operation(
    "Jobs",
    access=JOBS,
    limit="management",
    response=JobAnswerSchema,
    problems=("unknown-job", "conflict"),
    id="cancelJob",
)
def cancel(job: str) -> ResponseReturnValue:
    """Cancel a job.

    A queued job is cancelled at once, a running one when its worker has finished the current block.
    """
    cancelled = services().jobs.queue.cancel(job_of_caller(job).id, by=caller().identity)
    if cancelled.state == "cancelled":
        files_of(job).remove()
    return jsonify(job_json(cancelled))
