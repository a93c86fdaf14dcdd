"""What this process holds: the live version of every model, and others on demand.

The folder is read once, when the object is made. Under gunicorn's preload that is before the fork, so every worker
knows the same versions, and the same one is live in all of them.
"""

import logging
import threading
from collections import OrderedDict
from pathlib import Path

from churn_api.registry.bundle import BundleError, model_names, versions_of
from churn_api.registry.model import Model, load_model

PINNED_AT_MOST = 8
"""Versions other than the live ones that are held at a time; the least recently used goes first."""

log = logging.getLogger(__name__)


class UnknownModel(LookupError):
    """No model of that name."""


class UnknownVersion(LookupError):
    """The model has no such version."""


class ModelNotReady(Exception):
    """The model is there but may not answer; the text says why."""


class LiveModels:
    """The models of one folder. The newest version of each is live."""

    def __init__(self, models_dir: Path, default: str) -> None:
        self.default = default
        self._folder = models_dir
        self._versions = {name: versions_of(models_dir, name) for name in model_names(models_dir)}
        self._live: dict[str, Model] = {}
        self._refused: dict[str, str] = {}
        self._pinned: OrderedDict[tuple[str, str], Model] = OrderedDict()
        self._lock = threading.Lock()
        for name, versions in self._versions.items():
            self._load_live(name, versions[-1])
        if default not in self._versions:
            self._refused[default] = f"the models folder holds no model named {default!r}"
            log.warning("not ready: %s", self._refused[default])

    @property
    def names(self) -> list[str]:
        """Every model of the folder, ready or not."""
        return list(self._versions)

    @property
    def ready(self) -> dict[str, Model]:
        """The live version of every model that may answer, by name."""
        return dict(self._live)

    @property
    def refused(self) -> dict[str, str]:
        """Why a model may not answer, by name."""
        return dict(self._refused)

    def versions(self, name: str) -> list[str]:
        """The versions of a model, oldest first. Raises UnknownModel."""
        if name not in self._versions:
            raise UnknownModel(name)
        return list(self._versions[name])

    def get(self, name: str | None = None, version: str | None = None) -> Model:
        """The live version of a model, the default one's where no name is given; or the version asked for.

        Raises UnknownModel, UnknownVersion or ModelNotReady.
        """
        name = self.default if name is None else name
        model = self._live.get(name)
        if model is not None and version in (None, model.card.version):
            return model
        if version is not None:
            return self._get_pinned(name, version)
        if name in self._refused:
            raise ModelNotReady(self._refused[name])
        raise UnknownModel(name)

    def _get_pinned(self, name: str, version: str) -> Model:
        if version not in self.versions(name):
            raise UnknownVersion(version)
        with self._lock:
            model = self._pinned.pop((name, version), None) or self._load_pinned(name, version)
            self._pinned[name, version] = model
            while len(self._pinned) > PINNED_AT_MOST:
                self._pinned.popitem(last=False)
        return model

    def _load_pinned(self, name: str, version: str) -> Model:
        try:
            return load_model(self._folder / name / version)
        except BundleError as error:
            raise ModelNotReady(str(error)) from error

    def _load_live(self, name: str, version: str) -> None:
        try:
            self._live[name] = load_model(self._folder / name / version)
        except BundleError as error:
            self._refused[name] = f"version {version}: {error}"
            log.error("model %r refused: %s", name, self._refused[name])
