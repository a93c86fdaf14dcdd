"""How a submitted job enters the queue, and how its `Idempotency-Key` is read."""

import hashlib
from typing import Any

import msgspec
from flask import current_app, request

from churn_api.contract.faults import Fault
from churn_api.jobs.job import Job, Request
from churn_api.tables.formats import format_of_media_type, format_of_name, is_excel_safe
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.auth import caller
from churn_api.web.core.declaration import Header
from churn_api.web.core.prediction_reasons import wanted_reasons
from churn_api.web.core.problems import Problem, body_errors, invalid
from churn_api.web.v1.shared.call_list_request import wanted_call_list
from churn_api.web.v1.shared.job_access import files_of

MAX_KEY_LENGTH = 255
IDEMPOTENCY_KEY = Header(
    "Idempotency-Key",
    "A name for this job, of the client's choice: sent again with the same body it gives the same job.",
    "march-2027",
    f"^(?!.{{{MAX_KEY_LENGTH + 1}}})[!-~\xa1-\xac\xae-\xff]([ -~\xa1-\xac\xae-\xff]*[!-~\xa1-\xac\xae-\xff])?$",
)


def read_idempotency_key() -> str | None:
    """The request's Idempotency-Key, or None. Raises Problem where it is too long or not printable."""
    key = request.headers.get(IDEMPOTENCY_KEY.name)
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isprintable()):
        raise Problem("bad-request", f"{IDEMPOTENCY_KEY.name} must have 1 to {MAX_KEY_LENGTH} printable characters.")
    return key


def build_job_request(members: dict[str, Any], name: str, media_type: str) -> Request:
    """What the queue stores of a submission. A model, version or format that is not sent is resolved now.

    `name` and `media_type` are the file's. Raises Problem where no format follows from them, UnknownModel,
    UnknownVersion, or ModelNotReady.
    """
    model = live_models().get(members.get("model"), members.get("version"))
    input_format = members.get("format") or format_of_name(name) or format_of_media_type(media_type)
    if input_format is None:
        raise invalid(body_errors([Fault("required", "The file's name does not say its format.", path=("format",))]))
    result_format = members.get("result_format") or input_format
    threshold = members.get("threshold")
    return Request(
        model=model.card.name,
        version=model.card.version,
        digest=live_models().digest(model.card.name, model.card.version),
        format=input_format,
        result_format=result_format,
        threshold=threshold,
        on_error=members["on_error"],
        keep=members["keep"],
        source=members.get("source", ""),
        engine=current_app.config["JOB_ENGINE"],
        excel_safe=is_excel_safe(members, result_format),
        encoding=members.get("encoding"),
        skip_rows=members["skip_rows"],
        sheet=members.get("sheet"),
        reasons=wanted_reasons(model, members, body_errors),
        costs=model.costs if threshold is None else None,
        call_list=wanted_call_list(model, members),
        output=members.get("output", ""),
    )


def enqueue(job: str, job_request: Request, key: str | None, digest: str, size: int) -> tuple[Job, bool]:
    """Put a job into the queue, and return it with whether it is new: an Idempotency-Key may name an earlier one.

    `digest` is the uploaded file's, `size` the input's in bytes. Raises KeyReused or QuotaExceeded; the job's files are
    removed then.
    """
    fingerprint = hashlib.sha256(msgspec.json.encode(job_request) + digest.encode()).hexdigest()
    owner = caller()
    try:
        return services().jobs.queue.put(
            job_request,
            id=job,
            owner=owner.identity,
            owner_name=owner.name,
            idempotency_key=key,
            fingerprint=fingerprint if key else "",
            input_bytes=size,
            quota=services().jobs.quota,
        )
    except BaseException:
        files_of(job).remove()
        raise
