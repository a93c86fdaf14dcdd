"""Bulk scoring: jobs are taken, listed, shown and cancelled."""

import hashlib
import logging
import uuid
from os import SEEK_END
from typing import Any

import msgspec
from flask import Blueprint, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from churn_api.access.caller import JOBS
from churn_api.contract.faults import Fault
from churn_api.jobs.files import atomic_write
from churn_api.jobs.job import Job, Request
from churn_api.jobs.sources import SourceError
from churn_api.tables.formats import format_of_media_type, format_of_name, is_excel_safe
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.auth import caller
from churn_api.web.core.body import Members
from churn_api.web.core.declaration import Header
from churn_api.web.core.disk_space import is_disk_full
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import RETRY_AFTER, Problem, body_errors, invalid
from churn_api.web.core.response_headers import LOCATION
from churn_api.web.v1.shared.job_access import files_of, job_of_caller
from churn_api.web.v1.shared.job_schemas import JobAnswerSchema, JobBodySchema, JobListSchema, JobsQuerySchema
from churn_api.web.v1.shared.prediction_schemas import ResultQuerySchema

blueprint = Blueprint("jobs", __name__)
log = logging.getLogger(__name__)

MAX_KEY_LENGTH = 255
IDEMPOTENCY_KEY = Header(
    "Idempotency-Key",
    "A name for this job, of the client's choice: sent again with the same body it gives the same job.",
    "march-2027",
    f"^(?!.{{{MAX_KEY_LENGTH + 1}}})[!-~\xa1-\xac\xae-\xff]([ -~\xa1-\xac\xae-\xff]*[!-~\xa1-\xac\xae-\xff])?$",
)
COPIED_AT_ONCE = 1 << 20


@blueprint.post("/jobs")
@operation(
    "Jobs",
    access=JOBS,
    limit="management",
    query=ResultQuerySchema,
    body=JobBodySchema,
    response=JobAnswerSchema,
    status=202,
    problems=("unknown-model", "unknown-version", "conflict", "quota-exceeded", "model-not-ready"),
    id="createJob",
    request_headers=(IDEMPOTENCY_KEY,),
    response_headers=(LOCATION,),
)
def submit(query: dict[str, Any], body: Members) -> ResponseReturnValue:
    """Score a file of any size: one that is sent in the part `file`, or one that the service can read by `source`.

    Answered at once; `Location` leads to the job, which keeps the version that is live now. A job that is sent again
    with the same `Idempotency-Key` is the same job.
    """
    key = _idempotency_key()
    job = uuid.uuid4().hex
    size = _size(body)
    if key is None:
        # Before the file is copied. A job that is sent again with its key adds nothing, and has to be looked up first.
        services().queue.require_room(caller().identity, services().quota, size)
    if body.file is not None:
        asked = _request(body.values | query, body.file.filename or "", body.file.mimetype)
        queued, made = _put(job, asked, key, _keep_upload(job, body.file), size)
    else:
        queued, made = _put(job, _request(body.values | query, body.values["source"], ""), key, "", size)
    if not made:
        files_of(job).remove()
    location = {LOCATION.name: url_for("jobs.show", job=queued.id)}
    return jsonify(_job_json(queued)), 202, location


@blueprint.get("/jobs")
@operation(
    "Jobs",
    access=JOBS,
    limit="management",
    query=JobsQuerySchema,
    response=JobListSchema,
)
def list_jobs(query: dict[str, Any]) -> ResponseReturnValue:
    """List your jobs, the newest first."""
    found = services().queue.list(caller().identity, query["limit"], state=query.get("state"))
    return jsonify({"jobs": [_job_json(job) for job in found], "count": len(found)})


@blueprint.get("/jobs/<job>")
@operation(
    "Jobs",
    access=JOBS,
    response=JobAnswerSchema,
    problems=("unknown-job",),
    id="getJob",
)
def show(job: str) -> ResponseReturnValue:
    """Show a job: its state, how far it has come, and how long it will still take."""
    return jsonify(_job_json(job_of_caller(job)))


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
    """Cancel a job: at once where it waits, else when its worker has finished the block at hand."""
    cancelled = services().queue.cancel(job_of_caller(job).id, by=caller().identity)
    if cancelled.state == "cancelled":
        files_of(job).remove()
    return jsonify(_job_json(cancelled))


def _put(job: str, asked: Request, key: str | None, digest: str, size: int) -> tuple[Job, bool]:
    fingerprint = hashlib.sha256(msgspec.json.encode(asked) + digest.encode()).hexdigest()
    who = caller()
    try:
        return services().queue.put(
            asked,
            id=job,
            owner=who.identity,
            owner_name=who.name,
            idempotency_key=key,
            fingerprint=fingerprint if key else "",
            input_bytes=size,
            quota=services().quota,
        )
    except BaseException:
        files_of(job).remove()
        raise


def _request(asked: dict[str, Any], name: str, media_type: str) -> Request:
    """What the queue keeps of what was asked for, with what is live now in place of what was not said."""
    model = live_models().get(asked.get("model"), asked.get("version"))
    input_format = asked.get("format") or format_of_name(name) or format_of_media_type(media_type)
    if input_format is None:
        raise invalid(body_errors([Fault("required", "The file's name does not tell its format.", path=("format",))]))
    result_format = asked.get("result_format") or input_format
    return Request(
        model=model.card.name,
        version=model.card.version,
        digest=live_models().digest(model.card.name, model.card.version),
        format=input_format,
        result_format=result_format,
        threshold=asked.get("threshold"),
        on_error=asked["on_error"],
        keep=asked["keep"],
        source=asked.get("source", ""),
        engine=current_app.config["JOB_ENGINE"],
        excel_safe=is_excel_safe(asked, result_format),
    )


def _size(body: Members) -> int:
    """Of the file that is sent, or of the source, which may be read; 0 where only reading it would tell."""
    if body.file is None:
        return _check_source(body.values)
    size = body.file.stream.seek(0, SEEK_END)
    body.file.stream.seek(0)
    return size


def _check_source(asked: dict[str, Any]) -> int:
    if "source" not in asked:
        fault = Fault(
            "required", f"Name a source, or send a file in the part {JobBodySchema.part!r}.", path=("source",)
        )
        raise invalid(body_errors([fault]))
    try:
        return services().sources.check(asked["source"])
    except SourceError as error:
        raise invalid(body_errors([Fault("unusable", f"{error}.".capitalize(), path=("source",))])) from error


def _keep_upload(job: str, file: FileStorage) -> str:
    """Put an uploaded file into the job's folder, and return its digest."""
    files = files_of(job)
    digest = hashlib.sha256()
    try:
        files.begin()
        with atomic_write(files.input) as kept:
            while data := file.stream.read(COPIED_AT_ONCE):
                digest.update(data)
                kept.write(data)
    except OSError as error:
        files.remove()
        if not is_disk_full(error):
            log.error("an uploaded file cannot be kept in the jobs folder: %s", error.strerror)
            headers = {"Retry-After": str(RETRY_AFTER)}
            raise Problem("dependency-unavailable", "The file cannot be kept.", headers=headers, part="jobs") from error
        raise
    return digest.hexdigest()


def _idempotency_key() -> str | None:
    key = request.headers.get(IDEMPOTENCY_KEY.name)
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isprintable()):
        raise Problem("bad-request", f"{IDEMPOTENCY_KEY.name} must have 1 to {MAX_KEY_LENGTH} printable characters.")
    return key


def _job_json(job: Job) -> dict[str, Any]:
    asked, progress = job.request, job.progress
    here = url_for("jobs.show", job=job.id)
    links = {"self": here}
    if job.state == "succeeded":
        links["result"] = url_for("results.result", job=job.id)
    if job.state == "succeeded" or job.reason_code == "validation-failed":
        links["errors"] = url_for("results.errors", job=job.id)
    return {
        "id": job.id,
        "state": "cancelling" if job.cancel_asked and job.state == "running" else job.state,
        "model": asked.model,
        "version": asked.version,
        "format": asked.format,
        "result_format": asked.result_format,
        "on_error": asked.on_error,
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
        "links": links,
    }
