"""The composition root: makes the parts of the program from the settings and connects them, for the web and the CLI."""

import contextlib
import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_api.access.key_cache import KeyCache
from churn_api.access.keys import Keys
from churn_api.access.service_secrets import ServiceSecrets
from churn_api.config import StartError
from churn_api.job_services import JobServices
from churn_api.monitoring.canary_guard import CanaryGuard
from churn_api.monitoring_services import MonitoringServices
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
from churn_api.store import schema
from churn_api.store.change_watcher import Watcher
from churn_api.store.database import Database, DatabaseAway
from churn_api.store.database_errors import DatabaseUnusable

if TYPE_CHECKING:
    from churn_api.access.tokens import Tokens
    from churn_api.serving.result_cache import CachedComputation

log = logging.getLogger(__name__)


class Services:
    """One application's database, keys, models and jobs. Each is made on first use."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self.instance = Path(settings["INSTANCE_DIR"])
        self.models_dir = Path(settings["MODELS_DIR"])
        default_url = f"sqlite:///{self.instance / 'churn.db'}"
        self.database = Database(settings["DATABASE_URL"] or default_url, make_folder=not settings["DATABASE_URL"])
        self.catalog = Catalog(self.database)
        self.experiments = ExperimentCatalog(self.database)
        self.result_cache = _result_cache(settings)
        self.live = LiveModels(self.models_dir, settings["DEFAULT_MODEL"], settings["MAX_MODELS"])
        self.data_plane = DataPlane(
            settings["MODEL_TIMEOUT"] or None, self.result_cache or BY_MODEL, self.live.challengers.experiment_of
        )
        self._secrets = ServiceSecrets(settings, self.instance, self.database)
        self.monitoring = MonitoringServices(settings, self.database, self._secrets, self.catalog)
        self.jobs = JobServices(settings, self.database, self.monitoring)
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
    def watcher(self) -> Watcher:
        """Polls the database in this process, and updates keys and models when they change."""
        watcher = Watcher(self.database, on_change={"keys": self.key_cache.refresh, "models": self._catalog_sync.sync})
        watcher.after_each_poll(self.key_cache.flush_used)
        watcher.after_each_poll(self._catalog_sync.retry_failed)
        self.monitoring.flush_after_polls(watcher)
        watcher.after_each_poll(CanaryGuard(self.database, self.live, self.monitoring.experiment_counter).look)
        watcher.after_each_poll(lambda: self._reporter.report(self.database))
        return watcher

    def check(self) -> bool:
        """Check that the service may start: secrets, the identity provider's keys, the schema. Raises StartError.

        A database that is away does not prevent the start: it may come back at any moment. Returns whether it answered.
        """
        self._secrets.get("JWT_SECRET")
        _ = self.monitoring.customer_keys
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
        self.monitoring.observe(self.data_plane)
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
        self.monitoring.close()
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
