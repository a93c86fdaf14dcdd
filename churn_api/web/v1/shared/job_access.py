"""The caller's own jobs: whatever is somebody else's is not there."""

from pathlib import Path

from churn_api.jobs.files import JobFiles
from churn_api.jobs.job import Job
from churn_api.web.core.app_services import services
from churn_api.web.core.auth import caller
from churn_api.web.core.problems import Problem
from churn_api.web.core.urls import route_template


def job_of_caller(job: str) -> Job:
    """A job of the caller's. Raises Problem where there is none of that id, or it is another's."""
    found = services().queue.get(job)
    if found is None or found.owner != caller().identity:
        raise Problem("unknown-job", f"GET {route_template('jobs.list_jobs')} lists your jobs.")
    return found


def files_of(job: str) -> JobFiles:
    """Where a job's files are."""
    return JobFiles(Path(services().jobs_dir).resolve(), job)
