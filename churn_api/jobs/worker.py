"""The worker: takes jobs from the queue, one after another, and scores them block by block.

After every block its part is on the disk and the queue knows; whoever takes the job next goes on there.
"""

import errno
import logging
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from churn_api.jobs.files import JobFiles
from churn_api.jobs.heartbeat import Heartbeat
from churn_api.jobs.job import Lease
from churn_api.jobs.job_limits import JobLimitExceeded
from churn_api.jobs.parts import is_data_set, part_format
from churn_api.jobs.queue import Cancelled, LeaseLost, Queue
from churn_api.jobs.retention import Pruned
from churn_api.jobs.row_errors import BadRows
from churn_api.jobs.run import JobRun, Resources
from churn_api.jobs.sources import SourceError
from churn_api.registry.bundle import BundleError
from churn_api.serving.engine import EngineAway
from churn_api.serving.progress import Progress
from churn_api.store.database import DatabaseAway, DatabaseFull
from churn_api.tables.errors import TableError, TableFaults, TooLarge
from churn_api.tables.formats import FORMATS
from churn_api.telemetry import logs

IDLE_SECONDS = 1.0
AGAIN_SECONDS = 1.0
"""How long until what the database could not take is tried again."""
ENGINE_AGAIN_SECONDS = 5.0
"""How long until a job is tried again whose engine could not be reached."""
PRUNE_EVERY_SECONDS = 300.0
STOP_LOOK_SECONDS = 0.1

log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The worker is to end."""


_FAILURES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((BadRows, TableFaults, SourceError), "validation-failed"),
    ((TooLarge,), "too-large"),
    ((TableError,), "malformed-table"),
    ((BundleError,), "model-not-ready"),
)
"""Codes of what a job fails with, by what was raised: the first that it is."""


class Worker:
    """Works on the jobs of one queue."""

    def __init__(
        self,
        queue: Queue,
        resources: Resources,
        prune: Callable[[], Sequence[Pruned]],
        *,
        name: str,
        jobs_dir: Path,
        beat_seconds: float,
    ) -> None:
        self._queue = queue
        self._resources = resources
        self._prune = prune
        self._name = name
        self._jobs_dir = jobs_dir
        self._beat_seconds = beat_seconds
        # Not an Event: a signal may come while the thread that it interrupts holds the event's own lock.
        self._stopping = False
        self._away = False
        self._prune_at = time.monotonic()

    def stop(self) -> None:
        """End after the block at hand, and hand the lease back. May be called from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Take jobs until told to stop, and remove now and then what is kept no longer."""
        log.info("worker %s waits for jobs", self._name)
        while not self._stopping:
            self._prune_if_due()
            lease = self._claimed()
            if lease is None:
                self._wait(IDLE_SECONDS)
            else:
                self.work(lease)
        log.info("worker %s ends: it was told to stop", self._name)

    def work(self, lease: Lease) -> None:
        """Score a job, or as much as can be, and tell the queue what came of it."""
        with logs.bound_context(job=lease.job.id):
            self._work(lease)

    def _work(self, lease: Lease) -> None:
        job = lease.job
        log.info("job %s: attempt %d begins after row %d", job.id, job.attempts, job.progress.rows)
        try:
            with Heartbeat(self._queue, lease, self._beat_seconds) as beat:
                self._score(lease, beat)
        except LeaseLost:
            log.warning("job %s: another worker has it, as this one was silent for too long; nothing is lost", job.id)
        except EngineAway as error:
            log.warning("job %s: %s; handed back, and taken again in %d s", job.id, error, ENGINE_AGAIN_SECONDS)
            self._wait(ENGINE_AGAIN_SECONDS)
        except _Stopped as error:
            log.info("job %s: the worker stops; %s", job.id, error)
        except Exception:
            # Not handed back: an attempt that ended so counts, or a row that kills would be tried for ever.
            log.exception("job %s: attempt %d broke off; the next begins when the lease is over", job.id, job.attempts)

    def _score(self, lease: Lease, beat: Heartbeat) -> None:
        request = lease.job.request
        files = JobFiles(self._jobs_dir, lease.job.id, FORMATS[part_format(request)].suffix)
        check, advance = partial(self._check, lease, beat), partial(self._advance, lease)
        try:
            progress = JobRun(self._resources, lease, files, check, advance).score()
            size = files.result.stat().st_size
        except Cancelled:
            self._told(lambda: self._queue.cancelled(lease))
            files.remove()
            log.info("job %s: cancelled; its files are removed", lease.job.id)
        except EngineAway:
            self._told(lambda: self._queue.release(lease))
            raise
        except (BadRows, TableError, SourceError, BundleError, JobLimitExceeded, OSError) as error:
            self._fail(lease, files, *_failure(error))
        else:
            self._told(lambda: self._queue.succeed(lease, progress, size))
            files.tidy(data_set=is_data_set(request))
            log.info("job %s: done, %d rows scored, %d bad", lease.job.id, progress.rows, progress.bad_rows)

    def _fail(self, lease: Lease, files: JobFiles, code: str, reason: str) -> None:
        files.free_reserve(lease.token)
        self._told(lambda: self._queue.fail(lease, code, reason))
        files.discard()
        log.warning("job %s failed (%s): %s; it is not tried again", lease.job.id, code, reason)

    def _advance(self, lease: Lease, progress: Progress) -> None:
        self._told(lambda: self._queue.advance(lease, progress), full_ends=True)

    def _check(self, lease: Lease, beat: Heartbeat) -> None:
        """Raise what says that no more is to be done of a job: Cancelled, LeaseLost, or _Stopped."""
        beat.check()
        if self._stopping:
            self._told(lambda: self._queue.release(lease))
            raise _Stopped("the job is handed back, and goes on with the next worker")

    def _told(self, tell: Callable[[], object], *, full_ends: bool = False) -> None:
        """Tell the queue, as soon as the database is there. Raises what the queue answers, or _Stopped.

        `full_ends`: raise OSError where its disk is full: a job that fills it must not wait for others to make room.
        """
        while True:
            try:
                tell()
            except DatabaseAway as error:
                if full_ends and isinstance(error, DatabaseFull):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
                self._notice(error)
                self._wait(AGAIN_SECONDS)
                if self._stopping:
                    raise _Stopped("the database is away: the job goes on when its lease is over") from None
            else:
                self._notice(None)
                return

    def _claimed(self) -> Lease | None:
        try:
            lease = self._queue.claim(self._name)
        except DatabaseAway as error:
            self._notice(error)
            return None
        self._notice(None)
        return lease

    def _wait(self, seconds: float) -> None:
        """Wait so long, or until told to stop."""
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            time.sleep(STOP_LOOK_SECONDS)

    def _prune_if_due(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + PRUNE_EVERY_SECONDS
        try:
            for one in self._prune():
                log.info("job %s: removed for its %s, which frees %d bytes", one.id, one.why, one.bytes)
        except DatabaseAway as error:
            self._notice(error)
        except OSError as error:
            log.warning("jobs that are kept no longer cannot be removed (%s); tried again later", error.strerror)

    def _notice(self, error: DatabaseAway | None) -> None:
        """Log once that the database is away, and once that it is back."""
        if error is not None and not self._away:
            log.warning("the database %s (%s); work waits for it", error.state, error)
        elif error is None and self._away:
            log.warning("the database is back")
        self._away = error is not None


def _failure(error: Exception) -> tuple[str, str]:
    """The code and the sentence that a job fails with."""
    if isinstance(error, JobLimitExceeded):
        return error.code, error.reason
    if isinstance(error, OSError):
        code = "disk-full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "storage-failed"
        return code, error.strerror or type(error).__name__
    return next(code for kinds, code in _FAILURES if isinstance(error, kinds)), str(error)
