"""Jobs of the asynchronous client."""

from collections.abc import AsyncIterator
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from churn_client import job_calls
from churn_client.answers import Fault, Job
from churn_client.async_runner import AsyncRunner
from churn_client.options import JobOptions


class AsyncJobs:
    """Tables of any size that the service scores in the background. A job is named by its id, or by a Job."""

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def submit(self, data: str | PathLike[str] | Any, **options: Unpack[JobOptions]) -> Job:
        """Submit a local file, a DataFrame or an Arrow table."""
        return await self._runner.run(job_calls.submit(data, options))

    async def submit_source(self, source: str, **options: Unpack[JobOptions]) -> Job:
        """Submit a file that the service reads by itself: below its DATA_DIR, or below one of its DATA_URLS."""
        return await self._runner.run(job_calls.submit_source(source, options))

    async def get(self, job: Job | str) -> Job:
        """Get the state of a job."""
        return await self._runner.run(job_calls.get_job(job))

    async def progress(self, job: Job | str) -> AsyncIterator[Job]:
        """The state of a job, again and again, until it is final."""
        state = await self.get(job)
        yield state
        for delay in job_calls.poll_delays():
            if state.is_finished:
                return
            state = await self._runner.run(job_calls.next_state(job, delay))
            yield state

    async def wait(self, job: Job | str, timeout: float | None = None) -> Job:
        """Wait until a job has succeeded. Raises JobNotSucceeded, or TimeoutError after so many seconds."""
        deadline = job_calls.deadline_of(timeout)
        return await anext(state async for state in self.progress(job) if job_calls.has_succeeded(state, deadline))

    async def save(self, job: Job | str, path: str | PathLike[str]) -> Path:
        """Save the scored table to a file, which has its name once it is complete."""
        return await self._runner.run(job_calls.save_result(job, path))

    async def table(self, job: Job | str) -> Any:
        """Read the scored table as a `pyarrow.Table`."""
        return await self._runner.run(job_calls.read_result(job))

    async def row_errors(self, job: Job | str) -> tuple[Fault, ...]:
        """Get the faults of the bad rows, each with its row in the file that was sent."""
        return await self._runner.run(job_calls.list_row_errors(job))

    async def cancel(self, job: Job | str) -> Job:
        """Cancel a job."""
        return await self._runner.run(job_calls.cancel_job(job))

    async def list(self, state: str | None = None, limit: int | None = None) -> list[Job]:
        """List the jobs of the key, the newest first."""
        return await self._runner.run(job_calls.list_jobs(state, limit))
