"""Makes the parts of the job queue from the settings: the queue, its limits, what jobs may read and write, a worker."""

import contextlib
import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_api.monitoring_services import MonitoringServices
from churn_api.settings import DASK
from churn_api.store.database import Database, DatabaseAway

if TYPE_CHECKING:
    from churn_api.jobs.instrumentation import JobObserver
    from churn_api.jobs.leases import Leasing
    from churn_api.jobs.outputs import Outputs
    from churn_api.jobs.queue import Depth, Queue
    from churn_api.jobs.quota import Quota
    from churn_api.jobs.run import Resources
    from churn_api.jobs.sources import Sources
    from churn_api.jobs.worker import Worker
    from churn_api.serving.engine import Engine


class JobServices:
    """The parts of one application's jobs. Each is made on first use.

    Each imports its module where it is made: a process without jobs does not need it.
    """

    def __init__(self, settings: Mapping[str, Any], database: Database, monitoring: MonitoringServices) -> None:
        self._settings = settings
        self._database = database
        self._monitoring = monitoring
        self.folder = Path(settings["JOBS_DIR"] or Path(settings["INSTANCE_DIR"]) / "jobs")

    @cached_property
    def queue(self) -> "Queue":
        """The job queue."""
        from churn_api.jobs.queue import Queue

        return Queue(self._database, **self._leasing)

    @property
    def quota(self) -> "Quota":
        """The limits of one key in the queue."""
        from churn_api.jobs.quota import Quota

        return Quota(self._settings["MAX_QUEUED_JOBS"], self._settings["MAX_QUEUED_BYTES"])

    def depth_or_none(self) -> "Depth | None":
        """Number of jobs in the queue; None while the database is away."""
        with contextlib.suppress(DatabaseAway):
            return self.queue.depth()
        return None

    @cached_property
    def sources(self) -> "Sources":
        """The sources that jobs may read."""
        from churn_api.jobs.sources import Sources

        return Sources(self._data_dir, self._settings["DATA_URLS"], self._settings["MAX_JOB_BYTES"])

    @cached_property
    def outputs(self) -> "Outputs":
        """The files that jobs may write, in addition to their own."""
        from churn_api.jobs.outputs import Outputs

        return Outputs(self._data_dir)

    def worker(self, observer: "JobObserver") -> "Worker":
        """A worker of the queue, in this process; it reports to the observer. Raises MissingSecret."""
        from churn_api.jobs.instrumentation import ObservedLeases
        from churn_api.jobs.retention import prune
        from churn_api.jobs.worker import Worker

        keep = {"keep_days": self._settings["JOB_KEEP_DAYS"], "keep_bytes": self._settings["JOB_KEEP_BYTES"]}
        return Worker(
            ObservedLeases(observer, self._database, **self._leasing),
            self._resources(observer),
            partial(prune, self.queue, self.folder, **keep),
            self._monitoring.drift_counter,
            self._monitoring.prediction_log,
            name=f"{socket.gethostname()[:64]}:{os.getpid()}",
            jobs_dir=self.folder,
            beat_seconds=self._settings["JOB_LEASE_SECONDS"] / 3,
        )

    def _resources(self, observer: "JobObserver") -> "Resources":
        from churn_api.jobs.instrumentation import observed_engine
        from churn_api.jobs.job_limits import JobLimits
        from churn_api.jobs.run import Resources

        return Resources(
            self.sources,
            observed_engine(self._engine(), observer),
            Path(self._settings["MODELS_DIR"]),
            JobLimits(
                errors_bytes=self._settings["MAX_JOB_ERRORS_BYTES"],
                growth=self._settings["MAX_JOB_GROWTH"],
                seconds=self._settings["MAX_JOB_SECONDS"],
            ),
            self.outputs,
            self._settings["LOG_PREDICTIONS"],
            self._monitoring.record_list,
            self._monitoring.checked_totals,
        )

    def _engine(self) -> "Engine":
        if self._settings["JOB_ENGINE"] == DASK:
            from churn_api.serving import dask_engine

            return partial(dask_engine.in_order, scheduler=self._settings["DASK_SCHEDULER"])
        from churn_api.serving import process_engine

        processes = self._settings["JOB_PROCESSES"] or None
        return lambda function, todo, _: process_engine.in_order(function, todo, processes=processes)

    @property
    def _leasing(self) -> "Leasing":
        lease = timedelta(seconds=self._settings["JOB_LEASE_SECONDS"])
        return {"lease": lease, "max_attempts": self._settings["JOB_MAX_ATTEMPTS"]}

    @property
    def _data_dir(self) -> Path | None:
        return Path(self._settings["DATA_DIR"]) if self._settings["DATA_DIR"] else None
