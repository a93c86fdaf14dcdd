"""Operations of jobs."""

import math
import time
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import httpx
import msgspec

from churn_client.answers import Fault, Job
from churn_client.calls import JSON, ask, below
from churn_client.exceptions import JobNotSucceeded, understood
from churn_client.options import JobOptions
from churn_client.steps import Call, Sleep, Steps

_FIRST_POLL, _LONGEST_POLL = 0.2, 5.0


class _Jobs(msgspec.Struct):
    jobs: list[Job]


def job_path(job: Job | str, *below_it: str) -> str:
    """The path of a job, or of what is below it."""
    return below("jobs", job if isinstance(job, str) else job.id, *below_it)


def submit(data: Any, options: JobOptions) -> Steps[Job]:
    """Submit a local file, a DataFrame or an Arrow table."""
    form = {name: _field(value) for name, value in _members(options).items()}
    return ask(Call("POST", "jobs", headers=_idempotency(options), form=form, upload=_upload(data)), Job)


def submit_source(source: str, options: JobOptions) -> Steps[Job]:
    """Submit a file that the service reads by itself."""
    content = msgspec.json.encode({"source": source} | _members(options))
    return ask(Call("POST", "jobs", headers=JSON | _idempotency(options), content=content), Job)


def list_jobs(state: str | None, limit: int | None) -> Steps[list[Job]]:
    """List the caller's jobs."""
    parameters: dict[str, str | int | None] = {"state": state, "limit": limit}
    given = {name: value for name, value in parameters.items() if value is not None}
    answer = yield from ask(Call("GET", "jobs", given), _Jobs)
    return answer.jobs


def get_job(job: Job | str) -> Steps[Job]:
    """Get the state of a job."""
    return ask(Call("GET", job_path(job)), Job)


def cancel_job(job: Job | str) -> Steps[Job]:
    """Cancel a job."""
    return ask(Call("DELETE", job_path(job)), Job)


def next_state(job: Job | str, delay: float) -> Steps[Job]:
    """Get the state of a job after a while."""
    yield Sleep(delay)
    return (yield from get_job(job))


def poll_delays() -> Iterator[float]:
    """The seconds between two looks at a job: short ones first, for short jobs."""
    delay = _FIRST_POLL
    while True:
        yield delay
        delay = min(_LONGEST_POLL, delay * 1.5)


def save_result(job: Job | str, path: str | PathLike[str]) -> Steps[Path]:
    """Save a job's result to a file."""
    target = Path(path)
    yield Call("GET", job_path(job, "result"), headers={"Accept": "*/*"}, save_to=target)
    return target


def read_result(job: Job | str) -> Steps[Any]:
    """Read a job's result as an Arrow table."""
    from churn_client.result_tables import read_table

    state = yield from get_job(job)
    with TemporaryDirectory() as folder:
        path = yield from save_result(job, Path(folder) / "result")
        return read_table(path, state.result_format)


def list_row_errors(job: Job | str) -> Steps[tuple[Fault, ...]]:
    """Get the faults of a job's bad rows, without the last line, which may count those that the service left out."""
    response = yield Call("GET", job_path(job, "errors"), headers={"Accept": "*/*"})
    return understood(response, _read_faults)


def _read_faults(response: httpx.Response) -> tuple[Fault, ...]:
    lines = msgspec.json.Decoder().decode_lines(response.content)
    return tuple(msgspec.convert(line, Fault) for line in lines if "code" in line)


def has_succeeded(job: Job, deadline: float) -> bool:
    """Whether a job has succeeded. Raises JobNotSucceeded, or TimeoutError where the deadline has passed before."""
    if job.is_finished and job.state != "succeeded":
        raise JobNotSucceeded(job)
    if not job.is_finished and time.monotonic() > deadline:
        raise TimeoutError(f"the job {job.id} is {job.state}, {job.percent:.0f} % done")
    return job.is_finished


def deadline_of(timeout: float | None) -> float:
    """The time on the monotonic clock after so many seconds; infinity for None."""
    return math.inf if timeout is None else time.monotonic() + timeout


def _members(options: JobOptions) -> dict[str, Any]:
    """The members of the request, as JSON has them."""
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    given.pop("idempotency_key", None)
    if "version" in given:
        given["version"] = str(given["version"])
    if not isinstance(given.get("keep", ""), str):
        given["keep"] = list(given["keep"])
    return given


def _field(value: Any) -> str:
    """A member as a field of a form has it."""
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return ",".join(value) if isinstance(value, list) else str(value)


def _idempotency(options: JobOptions) -> dict[str, str]:
    return {"Idempotency-Key": options.get("idempotency_key", uuid4().hex)}


def _upload(data: Any) -> tuple[str, Path | bytes]:
    if isinstance(data, str | PathLike):
        return Path(data).name, Path(data)
    # Imported here, so that a program without tables needs no pyarrow.
    from churn_client.arrow_rows import arrow_stream
    from churn_client.frame_arrow import to_arrow

    return "table.arrow", arrow_stream(to_arrow(data))
