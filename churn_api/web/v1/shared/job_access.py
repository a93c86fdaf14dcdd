"""Access to jobs: callers see their own jobs, and every other one is an unknown job."""

from pathlib import Path

from churn_api.jobs.files import JobFiles
from churn_api.jobs.job import Job
from churn_api.web.core.app_services import services
from churn_api.web.core.auth import caller
from churn_api.web.core.problems import Problem
from churn_api.web.core.urls import route_template


def job_of_caller(job: str) -> Job:
    """The caller's job of an id. Raises Problem where there is none, or another caller owns it."""
    row = services().jobs.queue.get(job)
    if row is None or row.owner != caller().identity:
        raise Problem("unknown-job", f"GET {route_template('jobs.list_jobs')} lists your jobs.")
    return row


def files_of(job: str) -> JobFiles:
    """The files of a job."""
    return JobFiles(Path(services().jobs.folder).resolve(), job)
