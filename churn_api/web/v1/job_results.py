"""The files of a finished job: the scored table, and the faults of its bad rows."""

from pathlib import Path

from flask import Blueprint, Response, send_file
from flask.typing import ResponseReturnValue

from churn_api.access.caller import JOBS
from churn_api.jobs.job import Job
from churn_api.tables.formats import FORMATS, LINES, MEDIA_TYPES
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import Problem
from churn_api.web.v1.shared.job_access import files_of, job_of_caller
from churn_api.web.v1.shared.prediction_schemas import EXAMPLE_PREDICTION

blueprint = Blueprint("results", __name__)

_LINES = FORMATS[LINES]


@blueprint.get("/jobs/<job>/result")
@operation(
    "Jobs",
    access=JOBS,
    response=MEDIA_TYPES,
    problems=("unknown-job", "conflict"),
    id="getJobResult",
    example=[EXAMPLE_PREDICTION],
)
def result(job: str) -> ResponseReturnValue:
    """Download the scored table. `Range` requests resume an interrupted download."""
    row = job_of_caller(job)
    if row.state != "succeeded":
        raise Problem("conflict", f"There is no result: {_why(row)}")
    kind = FORMATS[row.request.result_format]
    return _file(files_of(job).result, kind.media_type, f"{job}{kind.suffix}")


@blueprint.get("/jobs/<job>/errors")
@operation(
    "Jobs",
    access=JOBS,
    response=(_LINES.media_type,),
    problems=("unknown-job", "conflict"),
    id="getJobErrors",
    example=[{"row": 18, "line": 18, "column": "tenure", "code": "wrong-type", "message": "Must be an integer."}],
)
def errors(job: str) -> ResponseReturnValue:
    """Download the faults of bad rows, one a line: row and line in the file, column, code, message."""
    row = job_of_caller(job)
    path = files_of(job).errors
    if not path.exists():
        raise Problem("conflict", f"There are no faults to list: {_why(row)}")
    return _file(path, _LINES.media_type, f"{job}-errors{_LINES.suffix}")


def _file(path: Path, media_type: str, name: str) -> Response:
    return send_file(path, media_type, as_attachment=True, download_name=name, conditional=True, max_age=0)


def _why(job: Job) -> str:
    if job.state == "failed":
        return f"the job failed ({job.reason_code}: {job.reason})."
    if job.state == "cancelled":
        return "the job was cancelled."
    return f"the job is {job.state}, {job.percent:.0f} % done."
