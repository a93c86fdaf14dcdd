"""Keeps the models of this process in step with the catalogue, and registers new bundles of the models folder."""

import logging
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from churn_api.registry.bundle import bundle_digests
from churn_api.registry.catalog import Catalog
from churn_api.registry.live import LiveModels
from churn_api.registry.verification import Unrunnable, verify_each
from churn_api.registry.versions_not_live import log_not_live
from churn_api.store.audit import startup_actor

RETRY_SECONDS = 5
"""Wait between two attempts to load versions that could not be loaded."""

log = logging.getLogger(__name__)


class CatalogSync:
    """Reads the catalogue, and has LiveModels follow it. Every method raises DatabaseAway."""

    def __init__(
        self,
        models_dir: Path,
        catalog: Catalog,
        live: LiveModels,
        *,
        before_registering: Callable[[], None],
        model_bytes: int = 0,
    ) -> None:
        self._models_dir = models_dir
        self._catalog = catalog
        self._live = live
        self._before_registering = before_registering
        self._model_bytes = model_bytes
        self._registered = False
        self._tried_at = monotonic()

    def sync(self) -> None:
        """Serve the versions that are live; the first call also registers the bundles of the models folder."""
        self.register_bundles()
        self._live.follow(self._catalog.read())

    def register_bundles(self) -> None:
        """Register the bundles of the models folder, once per process."""
        if not self._registered:
            self._before_registering()
            bundles = self._runnable(bundle_digests(self._models_dir))
            new = self._catalog.register_new(bundles, by=startup_actor())
            log_not_live(self._catalog.read(), new)
            self._registered = True

    def retry_failed(self) -> None:
        """Retry, at intervals, versions that could not be loaded: their files may arrive late on this machine."""
        now = monotonic()
        if self._live.load_errors and now - self._tried_at >= RETRY_SECONDS:
            self._tried_at = now
            self._live.follow(self._catalog.read())

    def _runnable(self, bundles: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        """Bundles without the new ones that are not safe to load, which are logged."""
        known = self._catalog.read()
        new = [
            (name, version, digest)
            for name, versions in bundles.items()
            for version, digest in versions.items()
            if name not in known or version not in known[name].digests
        ]
        todo = [(self._models_dir / name / version, digest) for name, version, digest in new]
        errors = verify_each(todo, self._model_bytes)
        for (name, version, _), error in zip(new, errors, strict=True):
            if isinstance(error, Unrunnable):
                log.error("version %s of model %r is not registered: %s", version, name, error)
                del bundles[name][version]
        return bundles
