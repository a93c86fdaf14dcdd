"""The worker: claims jobs from the queue, one after another, and scores them block by block.

After every block its part is on disk and the progress is in the queue; whichever worker claims the job next continues
from there.
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from churn_api.jobs.database_retry import DatabaseRetry
from churn_api.jobs.failures import FAILURES, failure_of
from churn_api.jobs.files import JobFiles
from churn_api.jobs.heartbeat import Heartbeat
from churn_api.jobs.instrumentation import BlockCounter, BlockLog
from churn_api.jobs.job import Job, Lease
from churn_api.jobs.leases import Cancelled, LeaseLost, Leases
from churn_api.jobs.retention import Pruned
from churn_api.jobs.run import JobRun, Resources
from churn_api.jobs.score_part import is_data_set, part_format
from churn_api.jobs.stop_flag import StopFlag, Stopped
from churn_api.serving.engine import EngineUnavailable
from churn_api.serving.predicted_rows import JobBlock
from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.serving.scoring_progress import Progress
from churn_api.tables.formats import FORMATS
from churn_api.telemetry import logs

IDLE_SECONDS = 1.0
ENGINE_RETRY_SECONDS = 5.0
"""Wait after a job whose engine could not be reached."""
PRUNE_EVERY_SECONDS = 300.0

log = logging.getLogger(__name__)


class Worker:
    """Runs the jobs of one queue."""

    def __init__(
        self,
        leases: Leases,
        resources: Resources,
        prune: Callable[[], Sequence[Pruned]],
        counter: BlockCounter,
        block_log: BlockLog | None,
        *,
        name: str,
        jobs_dir: Path,
        beat_seconds: float,
    ) -> None:
        self._leases = leases
        self._resources = resources
        self._prune = prune
        self._counter = counter
        self._block_log = block_log
        self._name = name
        self._jobs_dir = jobs_dir
        self._beat_seconds = beat_seconds
        self._stop = StopFlag()
        self._database = DatabaseRetry(self._stop)
        self._prune_at = time.monotonic()

    def stop(self) -> None:
        """Stop after the current block, and release the lease. Safe in a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Run jobs until stopped, and remove expired jobs from time to time."""
        log.info("worker %s waits for jobs", self._name)
        while not self._stop:
            self._prune_if_due()
            self._database.attempt(self._counter.flush_if_due)
            lease = self._database.attempt(lambda: self._leases.claim(self._name))
            if lease is None:
                self._stop.wait(IDLE_SECONDS)
            else:
                self.work(lease)
        self._database.attempt(self._counter.flush)
        log.info("worker %s stops as requested", self._name)

    def work(self, lease: Lease) -> None:
        """Run a job as far as possible, and record the outcome in the queue."""
        with logs.bound_context(job=lease.job.id):
            self._work(lease)

    def _work(self, lease: Lease) -> None:
        job = lease.job
        log.info("job %s: attempt %d begins after row %d", job.id, job.attempts, job.progress.rows)
        try:
            with Heartbeat(self._leases, lease, self._beat_seconds) as heartbeat:
                self._score(lease, heartbeat)
        except LeaseLost:
            log.warning("job %s: another worker took it over, because this one did not renew its lease", job.id)
        except EngineUnavailable as error:
            log.warning("job %s: %s; released, and claimed again in %d s", job.id, error, ENGINE_RETRY_SECONDS)
            self._stop.wait(ENGINE_RETRY_SECONDS)
        except Stopped as error:
            log.info("job %s: the worker stops; %s", job.id, error)
        except Exception:
            # Not released: this attempt must count, or a job with a poison row would be retried for ever.
            log.exception("job %s: attempt %d failed; the next begins when the lease expires", job.id, job.attempts)

    def _score(self, lease: Lease, heartbeat: Heartbeat) -> None:
        request = lease.job.request
        files = JobFiles(self._jobs_dir, lease.job.id, FORMATS[part_format(request)].suffix)
        check, advance = partial(self._check, lease, heartbeat), partial(self._advance, lease)
        try:
            progress = JobRun(self._resources, lease, files, check, advance).score()
            size = files.result.stat().st_size
        except Cancelled:
            self._database.call(lambda: self._leases.cancelled(lease))
            files.remove()
            log.info("job %s: cancelled; its files are removed", lease.job.id)
        except EngineUnavailable:
            self._database.call(lambda: self._leases.release(lease))
            raise
        except FAILURES as error:
            self._fail(lease, files, *failure_of(error))
        else:
            self._database.call(lambda: self._leases.succeed(lease, progress, size))
            files.tidy(data_set=is_data_set(request))
            log.info("job %s: done, %d rows scored, %d bad", lease.job.id, progress.rows, progress.bad_rows)

    def _fail(self, lease: Lease, files: JobFiles, code: str, reason: str) -> None:
        files.free_reserve(lease.token)
        self._database.call(lambda: self._leases.fail(lease, code, reason))
        files.discard()
        log.warning("job %s failed (%s): %s; it is not tried again", lease.job.id, code, reason)

    def _advance(self, lease: Lease, progress: Progress, scored: ScoredBlock) -> None:
        self._log_block(lease.job, progress, scored)
        self._database.call(lambda: self._leases.advance(lease, progress), raise_full=True)
        if scored.counts is not None:
            self._counter.add(lease.job.request.model, lease.job.request.version, scored.counts)
            self._database.attempt(self._counter.flush_if_due)

    def _log_block(self, job: Job, progress: Progress, scored: ScoredBlock) -> None:
        if self._block_log is not None and scored.predicted is not None:
            model, version = job.request.model, job.request.version
            first = progress.rows - scored.rows
            block = JobBlock(job.id, job.created_at, model, version, scored.block.number, first)
            self._block_log.block_predicted(block, scored.predicted)

    def _check(self, lease: Lease, heartbeat: Heartbeat) -> None:
        """Raise where work on the job must stop: Cancelled, LeaseLost or Stopped."""
        heartbeat.check()
        if self._stop:
            self._database.call(lambda: self._leases.release(lease))
            raise Stopped("the job is released, and the next worker continues it")

    def _prune_if_due(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + PRUNE_EVERY_SECONDS
        try:
            for pruned in self._database.attempt(self._prune) or ():
                log.info("job %s: removed (%s), which frees %d bytes", pruned.id, pruned.why, pruned.bytes)
        except OSError as error:
            log.warning("expired jobs cannot be removed (%s); tried again later", error.strerror)
