"""`churn-api jobs`: list, show, cancel and prune jobs."""

from typing import Any, NoReturn

import click
import msgspec

from churn_api.cli.command_helpers import (
    FiniteRange,
    IntegerRange,
    actor,
    load_settings_or_refuse,
    open_services,
    print_table,
    refuse,
)
from churn_api.jobs.job import STATES, Job, State
from churn_api.jobs.queue import Finished, UnknownJob
from churn_api.jobs.retention import prunable, remove
from churn_api.settings import MAX_KEEP_DAYS
from churn_api.store import audit

EXAMPLES = """
\b
Examples:
  churn-api jobs list --state running
  churn-api jobs show 4f9c1d7e
  churn-api jobs cancel 4f9c1d7e
  churn-api jobs prune --days 2 --dry-run
"""


@click.group(epilog=EXAMPLES)
def jobs() -> None:
    """Jobs: tables that are scored in the background."""


@jobs.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only jobs in this state.")
@click.option("--limit", type=IntegerRange(1, 100_000), default=50, show_default=True, help="How many, newest first.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON list instead of the table.")
def list_(state: State | None, limit: int, json_: bool) -> None:
    """List jobs, newest first."""
    with open_services() as services:
        listed = services.jobs.queue.list(None, limit, state=state)
    if json_:
        click.echo(msgspec.json.encode([_as_dict(job) for job in listed]))
        return
    print_table(["id", "state", "done", "rows", "model", "owner", "created (UTC)"], [_as_row(job) for job in listed])


@jobs.command()
@click.argument("job_id", metavar="ID")
def show(job_id: str) -> None:
    """Print a job (JSON): the request, the progress, and why it failed."""
    with open_services() as services:
        job = services.jobs.queue.get(job_id)
    if job is None:
        _refuse_unknown(job_id)
    click.echo(msgspec.json.format(msgspec.json.encode(_as_dict(job)), indent=2))


@jobs.command()
@click.argument("job_id", metavar="ID")
def cancel(job_id: str) -> None:
    """Cancel a job. A worker that runs it stops within seconds."""
    with open_services() as services:
        try:
            job = services.jobs.queue.cancel(job_id, by=actor())
        except UnknownJob:
            _refuse_unknown(job_id)
        except Finished as error:
            refuse(f"job {job_id} is over: {error.args[0]}")
    when = "" if job.state == "cancelled" else " as soon as its worker stops"
    click.echo(f"{job_id} is cancelled{when}")


@jobs.command()
@click.option("--days", type=FiniteRange(0, MAX_KEEP_DAYS), help="Keep jobs this long. [default: JOB_KEEP_DAYS]")
@click.option("--bytes", "bytes_", type=IntegerRange(0), help="Keep at most this many bytes. [default: JOB_KEEP_BYTES]")
@click.option("--dry-run", is_flag=True, help="List what would be removed, and remove nothing.")
def prune(days: float | None, bytes_: int | None, dry_run: bool) -> None:
    """Remove finished jobs by age, then the oldest until the rest fits the space, and folders without a job.

    A queued or running job is never removed.
    """
    settings = load_settings_or_refuse()
    keep_days = settings["JOB_KEEP_DAYS"] if days is None else days
    keep_bytes = settings["JOB_KEEP_BYTES"] if bytes_ is None else bytes_
    with open_services() as services:
        pruned = prunable(services.jobs.queue, services.jobs.folder, keep_days=keep_days, keep_bytes=keep_bytes)
        freed = sum(one.bytes for one in pruned)
        if pruned and not dry_run:
            with services.database.transaction() as connection:
                audit.record(connection, actor(), "jobs.prune", "jobs", jobs=len(pruned), bytes=freed)
            try:
                remove(services.jobs.queue, services.jobs.folder, pruned)
            except OSError as error:
                refuse(f"{error.filename or services.jobs.folder} cannot be removed: {error.strerror}")
    for one in pruned:
        click.echo(f"{one.id}  {one.bytes} bytes  {one.why}")
    click.echo(f"{len(pruned)} {'would be removed' if dry_run else 'removed'}, {freed} bytes", err=True)


def _refuse_unknown(job_id: str) -> NoReturn:
    refuse(f"there is no job {job_id!r}: `churn-api jobs list` lists them")


def _as_dict(job: Job) -> dict[str, Any]:
    shown = {name: value for name, value in job._asdict().items() if name != "started_from"}
    return shown | {"percent": job.percent, "rate": job.rate, "seconds_left": job.seconds_left}


def _as_row(job: Job) -> list[str]:
    model = f"{job.request.model}/{job.request.version}"
    created = f"{job.created_at:%Y-%m-%d %H:%M:%S}"
    return [job.id, job.state, f"{job.percent:.0f}%", f"{job.progress.rows}", model, job.owner_name, created]
