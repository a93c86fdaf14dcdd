"""The input of a job: an uploaded file, or a source that the service can read."""

import hashlib
import logging
from os import SEEK_END
from typing import Any

from werkzeug.datastructures import FileStorage

from churn_api.contract.faults import Fault
from churn_api.jobs.files import atomic_write
from churn_api.jobs.sources import SourceError
from churn_api.web.core.app_services import services
from churn_api.web.core.body import Members
from churn_api.web.core.disk_space import is_disk_full
from churn_api.web.core.problems import RETRY_AFTER, Problem, body_errors, invalid
from churn_api.web.v1.shared.job_access import files_of
from churn_api.web.v1.shared.job_schemas import JobBodySchema

CHUNK_BYTES = 1 << 20

log = logging.getLogger(__name__)


def input_bytes(body: Members) -> int:
    """The size of the uploaded file or of the source, in bytes; 0 for a source whose size is not known.

    Raises Problem where the source may not be read, or the body has neither.
    """
    if body.file is None:
        return _source_bytes(body.values)
    size = body.file.stream.seek(0, SEEK_END)
    body.file.stream.seek(0)
    return size


def save_upload(job: str, file: FileStorage) -> str:
    """Copy an uploaded file into the job's folder, and return its SHA-256. Raises Problem; OSError on a full disk."""
    files = files_of(job)
    digest = hashlib.sha256()
    try:
        files.begin()
        with atomic_write(files.input) as saved:
            while data := file.stream.read(CHUNK_BYTES):
                digest.update(data)
                saved.write(data)
    except OSError as error:
        files.remove()
        if is_disk_full(error):
            raise
        log.error("an uploaded file cannot be written to the jobs folder: %s", error.strerror)
        headers = {"Retry-After": str(RETRY_AFTER)}
        raise Problem("dependency-unavailable", "The file cannot be kept.", headers=headers, part="jobs") from error
    return digest.hexdigest()


def _source_bytes(members: dict[str, Any]) -> int:
    if "source" not in members:
        message = f"Name a source, or send a file in the part {JobBodySchema.part!r}."
        raise invalid(body_errors([Fault("required", message, path=("source",))]))
    try:
        return services().jobs.sources.check(members["source"])
    except SourceError as error:
        raise invalid(body_errors([Fault("unusable", f"{error}.".capitalize(), path=("source",))])) from error
