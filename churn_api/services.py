"""What the parts of this program share, made from the settings in one place, for the web and the command alike."""

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property, partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from churn_api.access import fingerprints
from churn_api.access.key_cache import KeyCache
from churn_api.access.keys import Keys
from churn_api.access.secrets import secret
from churn_api.config import DASK, StartError
from churn_api.registry.bundle import bundle_digests
from churn_api.registry.catalog import Catalog
from churn_api.registry.live import LiveModels
from churn_api.registry.management import Management
from churn_api.registry.not_live import log_not_live
from churn_api.registry.verification import Unrunnable, verify_each
from churn_api.registry.worker_reports import WorkerReporter
from churn_api.serving.data_plane import DataPlane
from churn_api.store import schema
from churn_api.store.database import Database, DatabaseAway
from churn_api.store.database_errors import DatabaseUnusable
from churn_api.store.watcher import Watcher

if TYPE_CHECKING:
    from churn_api.access.tokens import Tokens
    from churn_api.jobs.instrumentation import JobObserver
    from churn_api.jobs.leases import Leasing
    from churn_api.jobs.queue import Depth, Queue
    from churn_api.jobs.quota import Quota
    from churn_api.jobs.sources import Sources
    from churn_api.jobs.worker import Worker
    from churn_api.serving.engine import Engine

RETRY_SECONDS = 5
"""How long after one attempt to load a version that was refused the next one is made."""

log = logging.getLogger(__name__)


class Services:
    """One application's database, keys, models, and what follows them."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._registered = False
        self._closed = False
        self._followed_by = 0
        self._first_look = threading.Lock()
        self._tried = monotonic()
        self.instance = Path(settings["INSTANCE_DIR"])
        self.models_dir = Path(settings["MODELS_DIR"])
        self.jobs_dir = Path(settings["JOBS_DIR"] or self.instance / "jobs")
        own = f"sqlite:///{self.instance / 'churn.db'}"
        self.database = Database(settings["DATABASE_URL"] or own, make_folder=not settings["DATABASE_URL"])
        self.catalog = Catalog(self.database)
        self.data_plane = DataPlane()
        self.live = LiveModels(self.models_dir, settings["DEFAULT_MODEL"], settings["MAX_MODELS"])

    @cached_property
    def keys(self) -> Keys:
        """The keys, for those who manage them. Raises MissingSecret."""
        return Keys(self.database, self._pepper)

    @cached_property
    def key_cache(self) -> KeyCache:
        """The keys, for those who check them. Raises MissingSecret."""
        return KeyCache(self.database, self._pepper)

    @cached_property
    def tokens(self) -> "Tokens":
        """Tokens. Raises MissingSecret or BadKeySet."""
        # Loads cryptography, which a service that meets keys alone does without.
        from churn_api.access.tokens import Tokens, read_key_set

        settings = self._settings
        jwks = settings["JWKS_FILE"]
        return Tokens(
            self._secret("JWT_SECRET"),
            audience=settings["JWT_AUDIENCE"],
            seconds=settings["TOKEN_SECONDS"],
            leeway=settings["JWT_LEEWAY"],
            provider=read_key_set(Path(jwks), settings["JWT_ISSUER"]) if jwks else None,
        )

    @cached_property
    def management(self) -> Management:
        """What may be done with the models."""
        return Management(self.models_dir, self.catalog, self.live, self._settings["MAX_BUNDLE_BYTES"])

    @cached_property
    def queue(self) -> "Queue":
        """The jobs."""
        # Only here and below: a process that meets no job does without.
        from churn_api.jobs.queue import Queue

        return Queue(self.database, **self._leasing)

    @property
    def quota(self) -> "Quota":
        """What one key may have in the queue."""
        from churn_api.jobs.quota import Quota

        return Quota(self._settings["MAX_QUEUED_JOBS"], self._settings["MAX_QUEUED_BYTES"])

    @property
    def _leasing(self) -> "Leasing":
        lease = timedelta(seconds=self._settings["JOB_LEASE_SECONDS"])
        return {"lease": lease, "max_attempts": self._settings["JOB_MAX_ATTEMPTS"]}

    def depth_or_none(self) -> "Depth | None":
        """How much is in the queue; None while the database is away."""
        try:
            return self.queue.depth()
        except DatabaseAway:
            return None

    @cached_property
    def sources(self) -> "Sources":
        """What jobs may read."""
        from churn_api.jobs.sources import Sources

        settings = self._settings
        data_dir = Path(settings["DATA_DIR"]) if settings["DATA_DIR"] else None
        return Sources(data_dir, settings["DATA_URLS"], settings["MAX_JOB_BYTES"])

    def worker(self, observer: "JobObserver") -> "Worker":
        """A worker of the queue, in this process; the observer is told what it does."""
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
            Resources(self.sources, observed_engine(self._engine(), observer), self.models_dir, limits),
            partial(prune, self.queue, self.jobs_dir, **keep),
            name=f"{socket.gethostname()[:64]}:{os.getpid()}",
            jobs_dir=self.jobs_dir,
            beat_seconds=self._settings["JOB_LEASE_SECONDS"] / 3,
        )

    def _engine(self) -> "Engine":
        if self._settings["JOB_ENGINE"] == DASK:
            from churn_api.serving import dask_engine

            return partial(dask_engine.in_order, scheduler=self._settings["DASK_SCHEDULER"])
        from churn_api.serving import process_engine

        processes = self._settings["JOB_PROCESSES"] or None
        return lambda function, todo, _: process_engine.in_order(function, todo, processes=processes)

    @cached_property
    def watcher(self) -> Watcher:
        """What follows the database in this process."""
        watcher = Watcher(self.database, on_change={"keys": self.key_cache.refresh, "models": self._follow_catalog})
        watcher.after_each_poll(self.key_cache.flush_used)
        watcher.after_each_poll(self._retry_refused)
        watcher.after_each_poll(lambda: self._reporter.report(self.database))
        return watcher

    @cached_property
    def _reporter(self) -> WorkerReporter:
        return WorkerReporter(self.live)

    def check(self) -> bool:
        """See whether this may start: the secrets, the identity provider's keys, the schema.

        A database that is away is no reason not to start: it may be back at any moment. Return whether it answered.
        Raises StartError.
        """
        self._secret("JWT_SECRET")
        if self._settings["JWKS_FILE"]:
            _ = self.tokens
        _ = self.key_cache
        try:
            schema.check(self.database)
            self._check_secrets()
        except DatabaseUnusable as error:
            raise StartError(f"the database {self.database.location} {error.state}: {error}") from error
        except DatabaseAway as error:
            log.warning("the database %s at the start (%s); models are loaded when it is back", error.state, error)
            return False
        finally:
            self.database.close()
        return True

    def open(self) -> None:
        """Make ready to answer: check, register new bundles, load the live models. Raises StartError."""
        if self.database.in_memory:
            schema.upgrade(self.database)  # in memory: no other process can, and it holds nothing yet
        if not self.check():
            return
        try:
            with contextlib.suppress(DatabaseAway):
                self._register_found()
                self.watcher.poll()
        finally:
            self.database.close()

    def look_at_models(self) -> None:
        """Bring the models up to date now, in a process that need not follow. Raises DatabaseAway."""
        try:
            self._follow_catalog()
        finally:
            self.database.close()

    def close(self) -> None:
        """Follow no more, and let go of every connection."""
        with self._first_look:
            self._closed, followed = True, self._followed_by == os.getpid()
            self._followed_by = 0
        self.watcher.stop()
        if followed:
            with contextlib.suppress(DatabaseAway):
                self._reporter.remove(self.database)
        self.database.dispose()

    def follow(self) -> None:
        """Have this process follow the database from now on; to be asked in every process, and cheap to ask again.

        It looks once before this returns, in all of its threads: what was revoked or replaced since it was made or
        forked answers no request.
        """
        if self._followed_by != os.getpid():
            with self._first_look:
                if self._closed:
                    raise RuntimeError("the application was closed")
                if self._followed_by != os.getpid():
                    self.watcher.poll_or_log()
                    if not self._settings.get("TESTING"):
                        self.watcher.start()
                    self._followed_by = os.getpid()

    def warm_up_following(self, rounds: int) -> None:
        """Do here what every process that is forked from this one will be doing, and have this one never follow."""
        self._followed_by = os.getpid()
        try:
            for _ in range(rounds):
                self.watcher.poll()
                self._reporter.report(self.database)
            self._reporter.remove(self.database)
        except Exception as error:  # noqa: BLE001 - no reason not to start: those that follow meet it too, and tell
            log.debug("the rehearsal broke off (%s)", type(error).__name__)
        finally:
            self.database.close()

    def _follow_catalog(self) -> None:
        """Answer with the versions that are live; before the first time, register what the models folder holds."""
        self._register_found()
        self.live.follow(self.catalog.read())

    def _register_found(self) -> None:
        if not self._registered:
            schema.check(self.database)
            self._check_secrets()
            found = self._runnable(bundle_digests(self.models_dir))
            new = self.catalog.register_new(found, by=_start())
            log_not_live(self.catalog.read(), new)
            self._registered = True

    def _runnable(self, found: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        """Bundles without those that are new and must not be loaded here, each of which is reported."""
        known = self.catalog.read()
        new = [
            (name, version, digest)
            for name, versions in found.items()
            for version, digest in versions.items()
            if name not in known or version not in known[name].digests
        ]
        errors = verify_each([(self.models_dir / name / version, digest) for name, version, digest in new])
        for (name, version, _), error in zip(new, errors, strict=True):
            if isinstance(error, Unrunnable):
                log.error("version %s of model %r is not registered: %s", version, name, error)
                del found[name][version]
        return found

    def _retry_refused(self) -> None:
        """Try again, now and then, versions that could not be loaded: their files may come late to this machine."""
        now = monotonic()
        if self.live.load_errors and now - self._tried >= RETRY_SECONDS:
            self._tried = now
            self.live.follow(self.catalog.read())

    @cached_property
    def _pepper(self) -> bytes:
        return self._secret("KEY_PEPPER")

    def _secret(self, name: str) -> bytes:
        return secret(
            name,
            self._settings[name],
            self.instance,
            single_machine=self.database.is_local,
            before_making=partial(self._check_lost, name),
        )

    def _check_lost(self, name: str) -> None:
        """Raise OtherSecret where a secret would be made anew that this database's keys or tokens were made with."""
        with contextlib.suppress(DatabaseAway), self.database.reading() as connection:
            fingerprints.check_lost(connection, name, self.instance / name.lower())

    def _check_secrets(self) -> None:
        """Raise OtherSecret where this machine's secrets are not those of the others. Raises DatabaseAway."""
        secrets = {name: self._secret(name) for name in fingerprints.NAMES}
        with self.database.reading() as connection:
            # Not `all` of a generator: each is looked at.
            known = [fingerprints.is_known(connection, name, own) for name, own in secrets.items()]
        if not all(known):
            self._note_secrets(secrets)

    def _note_secrets(self, secrets: Mapping[str, bytes]) -> None:
        try:
            with self.database.transaction() as connection:
                for name, own in secrets.items():
                    fingerprints.check(connection, name, own, by=_start())
        except IntegrityError:
            # Another machine that started at the same moment was first, and what it wrote can be read by now.
            self._check_secrets()


def _start() -> str:
    """Who acts at a start, as the audit names it."""
    return f"start ({socket.gethostname()[:64]})"
