"""The models of this process: the live version of every model, and other versions on demand.

The catalogue says which versions are live; `follow` makes this process serve them. A new version is loaded and verified
while the old one serves, and replaces it in one assignment: a request holds either the old model or the new one.
"""

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from churn_api.registry.catalog import Entry
from churn_api.registry.challengers import Challengers
from churn_api.registry.costs_of_models import CostsOfModels
from churn_api.registry.loaded_models import Key, LoadedModels
from churn_api.registry.model import AnyModel, Model, load_any_model
from churn_api.registry.model_errors import ModelNotReady, OtherKind, UnknownModel, UnknownVersion, model_not_ready
from churn_api.registry.tensor_model import TensorModel
from churn_api.registry.version_files import VersionFiles
from churn_api.settings import PREFIX

log = logging.getLogger(__name__)


class ServedVersion(NamedTuple):
    """The version of a model that this process serves."""

    version: str
    generation: int


class LiveModels:
    """The models of one folder and one catalogue, `at_most` of them in memory.

    Live models stay in memory, and the default model always does. A model is loaded during a request only where more
    models are live than there is room for, or where the request pins a version.
    """

    def __init__(self, models_dir: Path, default: str, at_most: int) -> None:
        self.default = default
        self._folder = models_dir
        self._at_most = at_most
        self._catalog: Mapping[str, Entry] | None = None
        self._served: dict[str, ServedVersion] = {}
        self._load_errors: dict[str, str] = {}
        self.failures: Counter[str] = Counter()
        """Number of failed attempts to load a live version, by model."""
        self._loaded = LoadedModels(at_most, is_live=self._is_live, stays=lambda key: key[0] == default)
        self.challengers = Challengers(self.get)
        self._warned = False
        self._costs = CostsOfModels()
        self._lock = threading.RLock()

    @property
    def names(self) -> list[str]:
        """Every model of the catalogue, ready or not."""
        return sorted(self._catalog or {})

    @property
    def served(self) -> dict[str, ServedVersion]:
        """The served version of every model that has one, by name."""
        return dict(self._served)

    @property
    def load_errors(self) -> dict[str, str]:
        """Why the live version of a model, or its challenger, could not be loaded, by name."""
        missing = self._missing_default()
        return self.challengers.load_errors | self._load_errors | ({self.default: missing} if missing else {})

    @property
    def without_reasons(self) -> dict[str, str]:
        """Why a served model has no reasons for its predictions, though its bundle has some, by name."""
        models = {name: self._loaded.peek((name, served.version)) for name, served in self._served.items()}
        return {name: model.reasons.why_none for name, model in models.items() if model and model.reasons.error}

    def versions(self, name: str) -> list[str]:
        """The versions of a model, oldest first. Raises UnknownModel."""
        return list(self._entry(name).digests)

    def digest(self, name: str, version: str) -> str:
        """The registered digest of a version's card. Raises UnknownModel, UnknownVersion."""
        digests = self._entry(name).digests
        if version not in digests:
            raise UnknownVersion(version)
        return digests[version]

    def get(self, name: str | None = None, version: str | None = None) -> Model:
        """A version of a model of customers: by default the live version of the default model.

        No version is returned where none is live. Raises UnknownModel, UnknownVersion, ModelNotReady or OtherKind.
        """
        model = self.get_any(name, version)
        if isinstance(model, Model):
            return model
        raise OtherKind(model.card)

    def get_tensor_model(self, name: str | None = None, version: str | None = None) -> TensorModel:
        """A version of a tensor model, in the same way."""
        model = self.get_any(name, version)
        if isinstance(model, TensorModel):
            return model
        raise OtherKind(model.card)

    def get_any(self, name: str | None = None, version: str | None = None) -> AnyModel:
        """A version of a model of either kind, in the same way."""
        name = self.default if name is None else name
        if version is None:
            served = self._served.get(name)
            if served is None:
                raise self._not_served(name)
            version = served.version
        elif self._entry(name).live is None:
            raise self._not_served(name)
        return self._loaded.get((name, version)) or self._load(name, version)

    def files(self, name: str, version: str | None = None) -> VersionFiles:
        """The files of a registered version, by default the served one, for reading them without loading the model.

        Raises UnknownModel, UnknownVersion, ModelNotReady.
        """
        if version is None:
            version = self._served_version(name)
            if version is None:
                raise self._not_served(name)
        model = self._loaded.peek((name, version))
        return VersionFiles(self._folder / name / version, self.digest(name, version), model)

    def follow(self, catalog: Mapping[str, Entry]) -> None:
        """Serve the live versions of a catalogue; where one cannot be loaded, the previous version stays."""
        with self._lock:
            self._catalog = catalog
            live = {name: (entry.live, entry.generation) for name, entry in catalog.items() if entry.live is not None}
            self._served = {name: served for name, served in self._served.items() if name in live}
            self._load_errors = {name: reason for name, reason in self._load_errors.items() if name in live}
            self._loaded.replace_each(lambda key, model: self._costs.applied(key, model, catalog))
            challengers = sum(entry.experiment is not None for entry in catalog.values())
            self._warn_of_too_many(len(live) + challengers)
            for name, (version, generation) in live.items():
                if self._served.get(name) != (version, generation):
                    self._switch(name, version, generation)
            self.failures.update(self.challengers.follow(catalog))

    def try_version(self, name: str, version: str) -> None:
        """Load a version from its files, even if it is in memory, to check it. Raises as `get` does."""
        with self._lock:
            model = self._read(name, version)
            if self._served_version(name) != version:
                self._loaded.put((name, version), model)

    def _switch(self, name: str, version: str, generation: int) -> None:
        try:
            self.get_any(name, version)
        except (ModelNotReady, UnknownVersion) as error:
            self._record_load_error(name, f"version {version}: {error}")
            return
        before = self._served_version(name)
        self._served = self._served | {name: ServedVersion(version, generation)}
        self._load_errors.pop(name, None)
        log.info("model %r: version %s is served (before: %s, generation %d)", name, version, before, generation)

    def _record_load_error(self, name: str, reason: str) -> None:
        """Remember the reason, and log it once, however often loading is retried."""
        if self._load_errors.get(name) != reason:
            log.error("model %r cannot be loaded: %s", name, reason)
        self._load_errors[name] = reason
        self.failures[name] += 1

    def _served_version(self, name: str) -> str | None:
        served = self._served.get(name)
        return served.version if served else None

    def _load(self, name: str, version: str) -> AnyModel:
        with self._lock:
            model = self._loaded.get((name, version))
            if model is None:
                model = self._read(name, version)
                self._loaded.put((name, version), model)
            return model

    def _read(self, name: str, version: str) -> AnyModel:
        digest = self.digest(name, version)
        with model_not_ready():
            model = load_any_model(self._folder / name / version, digest)
        return self._costs.applied((name, version), model, self._catalog or {})

    def _is_live(self, key: Key) -> bool:
        name, version = key
        entry = (self._catalog or {}).get(name)
        if entry is None or entry.live == version:
            return entry is not None
        return entry.experiment is not None and entry.experiment.challenger == version

    def _warn_of_too_many(self, live: int) -> None:
        """Log once that more models are live than this process may hold."""
        if live > self._at_most and not self._warned:
            self._warned = True
            log.warning(
                "%d models are live or in an experiment, and a worker holds %d: the others are loaded at each request; "
                "raise %sMAX_MODELS",
                live,
                self._at_most,
                PREFIX,
            )

    def _entry(self, name: str) -> Entry:
        if self._catalog is None:
            raise ModelNotReady("the catalogue of models cannot be read")
        if name not in self._catalog:
            raise UnknownModel(name)
        return self._catalog[name]

    def _not_served(self, name: str) -> Exception:
        """The exception that says why no version of a model is served."""
        if name in self.load_errors:
            return ModelNotReady(self.load_errors[name])
        if self._catalog is None:
            return ModelNotReady("the catalogue of models cannot be read")
        return UnknownModel(name)

    def _missing_default(self) -> str | None:
        if self._catalog is None or self.default in self._served or self.default in self._load_errors:
            return None
        if self.default in self._catalog:
            return f"no version of {self.default!r} is live"
        return f"the models folder holds no model named {self.default!r}"
