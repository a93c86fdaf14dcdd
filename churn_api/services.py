"""The composition root: makes the parts of the program from the settings and connects them, for the web and the CLI."""

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_api.access.key_cache import KeyCache
from churn_api.access.keys import Keys
from churn_api.access.service_secrets import ServiceSecrets
from churn_api.config import StartError
from churn_api.monitoring.canary_guard import CanaryGuard
from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.drift_counter import DriftCounter
from churn_api.monitoring.experiment_counter import ExperimentCounter
from churn_api.monitoring.log_folder import LogFolder
from churn_api.registry.catalog import Catalog
from churn_api.registry.catalog_sync import CatalogSync
from churn_api.registry.database_follower import DatabaseFollower
from churn_api.registry.experiment_catalog import ExperimentCatalog
from churn_api.registry.experiment_management import ExperimentManagement
from churn_api.registry.live import LiveModels
from churn_api.registry.management import Management
from churn_api.registry.worker_reports import WorkerReporter
from churn_api.serving.answer import BY_MODEL
from churn_api.serving.data_plane import DataPlane
from churn_api.settings import DASK, OFF, RECORDS
from churn_api.store import schema
from churn_api.store.change_watcher import Watcher
from churn_api.store.database import Database, DatabaseAway
from churn_api.store.database_errors import DatabaseUnusable

if TYPE_CHECKING:
    from churn_api.access.tokens import Tokens
    from churn_api.jobs.instrumentation import JobObserver
    from churn_api.jobs.leases import Leasing
    from churn_api.jobs.outputs import Outputs
    from churn_api.jobs.queue import Depth, Queue
    from churn_api.jobs.quota import Quota
    from churn_api.jobs.sources import Sources
    from churn_api.jobs.worker import Worker
    from churn_api.monitoring.log_maintenance import LogMaintenance
    from churn_api.monitoring.prediction_logger import PredictionLogger
    from churn_api.monitoring.quality_update import QualityUpdate
    from churn_api.serving.call_list_options import ListedGroups
    from churn_api.serving.engine import Engine
    from churn_api.serving.result_cache import CachedComputation
    from churn_api.telemetry.experiment_metrics import ObservedExperiment
    from churn_api.telemetry.prediction_log_metrics import LogState
    from churn_api.telemetry.quality_metrics import MeasuredVersion
    from churn_api.telemetry.watch_metrics import WatchedVersion

log = logging.getLogger(__name__)


class Services:
    """One application's database, keys, models and jobs. Each is made on first use."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self.instance = Path(settings["INSTANCE_DIR"])
        self.models_dir = Path(settings["MODELS_DIR"])
        self.jobs_dir = Path(settings["JOBS_DIR"] or self.instance / "jobs")
        default_url = f"sqlite:///{self.instance / 'churn.db'}"
        self.database = Database(settings["DATABASE_URL"] or default_url, make_folder=not settings["DATABASE_URL"])
        self.catalog = Catalog(self.database)
        self.experiments = ExperimentCatalog(self.database)
        self.result_cache = _result_cache(settings)
        self.log_folder = LogFolder(Path(settings["LOG_DIR"] or self.instance / "prediction-log"))
        self.live = LiveModels(self.models_dir, settings["DEFAULT_MODEL"], settings["MAX_MODELS"])
        self.data_plane = DataPlane(
            settings["MODEL_TIMEOUT"] or None, self.result_cache or BY_MODEL, self.live.challengers.beside
        )
        self.drift_counter = DriftCounter(self.database, settings["LOG_DAYS"])
        self.experiment_counter = ExperimentCounter(self.database)
        self._secrets = ServiceSecrets(settings, self.instance, self.database)
        self._catalog_sync = CatalogSync(
            self.models_dir,
            self.catalog,
            self.live,
            before_registering=self._check_database,
            model_bytes=settings["MAX_MODEL_BYTES"],
        )
        self._reporter = WorkerReporter(self.live)
        self._follower = DatabaseFollower(
            self.database,
            self._reporter,
            watcher=lambda: self.watcher,
            needs_thread=lambda: not settings.get("TESTING"),
        )

    @cached_property
    def keys(self) -> Keys:
        """API keys, to manage them. Raises MissingSecret."""
        return Keys(self.database, self._secrets.get("KEY_PEPPER"))

    @cached_property
    def key_cache(self) -> KeyCache:
        """API keys, to authenticate requests. Raises MissingSecret."""
        return KeyCache(self.database, self._secrets.get("KEY_PEPPER"))

    @cached_property
    def customer_keys(self) -> CustomerKeys:
        """The keys that stand for customers where predictions and outcomes are kept. Raises MissingSecret."""
        return CustomerKeys(self._secrets.get("LOG_SECRET"))

    @cached_property
    def prediction_log(self) -> "PredictionLogger | None":
        """The log of this process' predictions; None where it is off. Raises MissingSecret."""
        mode = self._settings["LOG_PREDICTIONS"]
        if mode == OFF:
            return None
        # Imported here: it loads cryptography.
        from churn_api.monitoring.prediction_logger import PredictionLogger

        return PredictionLogger(self.log_folder.segments, self._secrets.get("LOG_SECRET"), records=mode == RECORDS)

    @cached_property
    def log_maintenance(self) -> "LogMaintenance":
        """Compacts the prediction log, and removes what is erased or old. Raises MissingSecret."""
        # Imported here: it loads Arrow.
        from churn_api.monitoring.log_maintenance import LogMaintenance

        secret, keep_days = self._secrets.get("LOG_SECRET"), self._settings["LOG_DAYS"]
        return LogMaintenance(self.log_folder, self.database, self.customer_keys, secret, keep_days)

    @cached_property
    def quality_update(self) -> "QualityUpdate":
        """Computes live quality from the prediction log and outcomes. Raises MissingSecret."""
        # Imported here: it loads Arrow.
        from churn_api.monitoring.quality_update import QualityUpdate
        from churn_api.monitoring.version_facts import horizons

        return QualityUpdate(
            self.database,
            self.log_folder,
            lambda: horizons(self.models_dir, self.catalog.read()),
            self.customer_keys,
            self._settings["LOG_DAYS"],
        )

    @cached_property
    def tokens(self) -> "Tokens":
        """Issues and verifies tokens. Raises MissingSecret or BadKeySet."""
        # Imported here: it loads cryptography, which a service that only uses keys does not need.
        from churn_api.access.tokens import Tokens, read_key_set

        settings = self._settings
        jwks = settings["JWKS_FILE"]
        return Tokens(
            self._secrets.get("JWT_SECRET"),
            audience=settings["JWT_AUDIENCE"],
            seconds=settings["TOKEN_SECONDS"],
            leeway=settings["JWT_LEEWAY"],
            provider=read_key_set(Path(jwks), settings["JWT_ISSUER"]) if jwks else None,
        )

    @cached_property
    def management(self) -> Management:
        """Operations on models: register, upload, make live, unload."""
        return Management(
            self.models_dir,
            self.catalog,
            self.live,
            self._settings["MAX_BUNDLE_BYTES"],
            model_bytes=self._settings["MAX_MODEL_BYTES"],
        )

    @property
    def experiment_management(self) -> ExperimentManagement:
        """Operations on experiments: start, stop."""
        return ExperimentManagement(self.catalog, self.live, self.experiments)

    @cached_property
    def queue(self) -> "Queue":
        """The job queue."""
        # Imported here and below: a process without jobs does not need these modules.
        from churn_api.jobs.queue import Queue

        return Queue(self.database, **self._leasing)

    @property
    def quota(self) -> "Quota":
        """The limits of one key in the queue."""
        from churn_api.jobs.quota import Quota

        return Quota(self._settings["MAX_QUEUED_JOBS"], self._settings["MAX_QUEUED_BYTES"])

    @property
    def _leasing(self) -> "Leasing":
        lease = timedelta(seconds=self._settings["JOB_LEASE_SECONDS"])
        return {"lease": lease, "max_attempts": self._settings["JOB_MAX_ATTEMPTS"]}

    def depth_or_none(self) -> "Depth | None":
        """Number of jobs in the queue; None while the database is away."""
        with contextlib.suppress(DatabaseAway):
            return self.queue.depth()
        return None

    def watched_or_none(self) -> "list[WatchedVersion] | None":
        """The watch on all live versions; None while the database is away."""
        from churn_api.monitoring.live_watch import watched_versions

        with contextlib.suppress(DatabaseAway):
            return watched_versions(self.database, self.models_dir, self.catalog.read())
        return None

    def log_state(self) -> "LogState":
        """What the prediction log has that is not compacted, and when it was last compacted."""
        from churn_api.monitoring.segments import waiting
        from churn_api.telemetry.prediction_log_metrics import LogState

        return LogState(*waiting(self.log_folder.segments), self.log_folder.maintained_at())

    def experiments_or_none(self) -> "list[ObservedExperiment] | None":
        """The latest experiment of each model; None while the database is away."""
        from churn_api.monitoring.observed_experiments import observed_experiments

        with contextlib.suppress(DatabaseAway):
            return observed_experiments(self.database)
        return None

    def measured_or_none(self) -> "list[MeasuredVersion] | None":
        """The live quality of all live versions; None while the database is away."""
        from churn_api.monitoring.measured_versions import measured_versions

        with contextlib.suppress(DatabaseAway):
            return measured_versions(self.database, self.models_dir, self.catalog.read())
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

    @property
    def _data_dir(self) -> Path | None:
        return Path(self._settings["DATA_DIR"]) if self._settings["DATA_DIR"] else None

    def worker(self, observer: "JobObserver") -> "Worker":
        """A worker of the queue, in this process; it reports to the observer."""
        from churn_api.jobs.instrumentation import ObservedLeases, observed_engine
        from churn_api.jobs.job_limits import JobLimits
        from churn_api.jobs.retention import prune
        from churn_api.jobs.run import Resources
        from churn_api.jobs.worker import Worker

        keep = {"keep_days": self._settings["JOB_KEEP_DAYS"], "keep_bytes": self._settings["JOB_KEEP_BYTES"]}
        limits = JobLimits(
            errors_bytes=self._settings["MAX_JOB_ERRORS_BYTES"],
            growth=self._settings["MAX_JOB_GROWTH"],
            seconds=self._settings["MAX_JOB_SECONDS"],
        )
        return Worker(
            ObservedLeases(observer, self.database, **self._leasing),
            Resources(
                self.sources,
                observed_engine(self._engine(), observer),
                self.models_dir,
                limits,
                self.outputs,
                self._settings["LOG_PREDICTIONS"],
                *self._list_recorder(),
            ),
            partial(prune, self.queue, self.jobs_dir, **keep),
            self.drift_counter,
            self.prediction_log,
            name=f"{socket.gethostname()[:64]}:{os.getpid()}",
            jobs_dir=self.jobs_dir,
            beat_seconds=self._settings["JOB_LEASE_SECONDS"] / 3,
        )

    def _list_recorder(self) -> "Iterator[Callable[[ListedGroups], None]]":
        """What remembers who is on a call list; nothing where no predictions are logged."""
        if self._settings["LOG_PREDICTIONS"] != OFF:
            from churn_api.monitoring.listed_customers import ListedCustomers

            yield ListedCustomers(self.database, self.customer_keys, self._settings["LOG_DAYS"]).record

    def _engine(self) -> "Engine":
        if self._settings["JOB_ENGINE"] == DASK:
            from churn_api.serving import dask_engine

            return partial(dask_engine.in_order, scheduler=self._settings["DASK_SCHEDULER"])
        from churn_api.serving import process_engine

        processes = self._settings["JOB_PROCESSES"] or None
        return lambda function, todo, _: process_engine.in_order(function, todo, processes=processes)

    @cached_property
    def watcher(self) -> Watcher:
        """Polls the database in this process, and updates keys and models when they change."""
        watcher = Watcher(self.database, on_change={"keys": self.key_cache.refresh, "models": self._catalog_sync.sync})
        watcher.after_each_poll(self.key_cache.flush_used)
        watcher.after_each_poll(self._catalog_sync.retry_failed)
        watcher.after_each_poll(self.drift_counter.flush_if_due)
        if self.prediction_log is not None:
            watcher.after_each_poll(self.prediction_log.close_if_due)
        watcher.after_each_poll(CanaryGuard(self.database, self.live, self.experiment_counter).look)
        watcher.after_each_poll(lambda: self._reporter.report(self.database))
        return watcher

    def check(self) -> bool:
        """Check that the service may start: secrets, the identity provider's keys, the schema. Raises StartError.

        A database that is away does not prevent the start: it may come back at any moment. Returns whether it answered.
        """
        self._secrets.get("JWT_SECRET")
        _ = self.customer_keys
        if self._settings["JWKS_FILE"]:
            _ = self.tokens
        _ = self.key_cache
        try:
            self._check_database()
        except DatabaseUnusable as error:
            raise StartError(f"the database {self.database.location} {error.state}: {error}") from error
        except DatabaseAway as error:
            log.warning("the database %s at the start (%s); models are loaded when it is back", error.state, error)
            return False
        finally:
            self.database.close()
        return True

    def open(self) -> None:
        """Prepare to serve: check, register new bundles, load the live models. Raises StartError."""
        self.data_plane.observe(self.drift_counter)
        if self.prediction_log is not None:
            self.data_plane.observe(self.prediction_log)
            self.data_plane.keep_records = self.prediction_log.records
        self.data_plane.observe_experiments(self.experiment_counter)
        if self.database.in_memory:
            schema.upgrade(self.database)  # no other process can do it, and the database is still empty
        if not self.check():
            return
        try:
            with contextlib.suppress(DatabaseAway):
                self._catalog_sync.register_bundles()
                self.watcher.poll()
        finally:
            self.database.close()

    def refresh_models(self) -> None:
        """Load the models that are live now, in a process that does not follow the database. Raises DatabaseAway."""
        try:
            self._catalog_sync.sync()
        finally:
            self.database.close()

    def follow(self) -> None:
        """Follow the database in this process. Every process must call it; repeated calls are cheap."""
        self._follower.start()

    def warm_up(self, rounds: int) -> None:
        """Run what every forked process will run to follow the database; this process itself never follows."""
        self._follower.warm_up(rounds)

    def close(self) -> None:
        """Stop following the database, and close every connection."""
        self.data_plane.drain()
        self._follower.stop()
        with contextlib.suppress(DatabaseAway):
            self.drift_counter.flush()
        if self.prediction_log is not None:
            self.prediction_log.close()
            self.experiment_counter.flush()
        self.database.dispose()

    def _check_database(self) -> None:
        schema.check(self.database)
        self._secrets.check()


def _result_cache(settings: Mapping[str, Any]) -> "CachedComputation | None":
    """The cache in front of the models; None where there is none."""
    if not settings["CACHE"]:
        return None
    # Imported here: most services have none.
    from churn_api.serving.cache_stores import cache_store
    from churn_api.serving.result_cache import CachedComputation

    return CachedComputation(cache_store(settings["CACHE"], settings["CACHE_ENTRIES"], settings["CACHE_SECONDS"]))
