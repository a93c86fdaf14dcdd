"""What this process holds: the live version of every model, and other versions on demand.

The catalogue says which versions are live; `follow` brings this process after it. A version is loaded and checked
beside the one that answers, and takes its place by one assignment: a request holds either the old model or the new one.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from churn_api.config import PREFIX
from churn_api.contract.signature import Signature
from churn_api.registry.bundle import BundleError, read_card, read_signature
from churn_api.registry.card import Card
from churn_api.registry.catalog import Entry
from churn_api.registry.loaded_models import Key, LoadedModels
from churn_api.registry.model import Model, load_model

log = logging.getLogger(__name__)


class UnknownModel(LookupError):
    """No model of that name, or none of its versions is live."""

    def __str__(self) -> str:
        name, *hints = self.args
        return f"no model {name!r} is live" + "".join(f". {hint}" for hint in hints if hint)


class UnknownVersion(LookupError):
    """The model has no such version."""

    def __str__(self) -> str:
        return f"there is no version {self.args[0]!r}"


class ModelNotReady(Exception):
    """The model is there but may not answer; the text says why."""


class ServedVersion(NamedTuple):
    """Which version of a model answers in this process."""

    version: str
    generation: int


class LiveModels:
    """The models of one folder and one catalogue, `at_most` of them in memory.

    A live model stays there, and the default one always; only where more are live than there is room for, or versions
    are pinned, is one loaded for a request.
    """

    def __init__(self, models_dir: Path, default: str, at_most: int) -> None:
        self.default = default
        self._folder = models_dir
        self._at_most = at_most
        self._catalog: Mapping[str, Entry] | None = None
        self._served: dict[str, ServedVersion] = {}
        self._load_errors: dict[str, str] = {}
        self.failures: Counter[str] = Counter()
        """How often versions of a model could not be loaded when they were to answer, by its name."""
        self._held = LoadedModels(at_most, is_live=self._is_live, stays=lambda key: key[0] == default)
        self._warned = False
        self._lock = threading.RLock()

    @property
    def names(self) -> list[str]:
        """Every model of the catalogue, ready or not."""
        return sorted(self._catalog or {})

    @property
    def served(self) -> dict[str, ServedVersion]:
        """The version of every model that answers, by name."""
        return dict(self._served)

    @property
    def load_errors(self) -> dict[str, str]:
        """Why a model may not answer, or not with its newest live version, by name."""
        missing = self._missing_default()
        return self._load_errors | ({self.default: missing} if missing else {})

    def versions(self, name: str) -> list[str]:
        """The versions of a model, oldest first. Raises UnknownModel."""
        return list(self._entry(name).digests)

    def digest(self, name: str, version: str) -> str:
        """The digest of a version's card, as it was registered. Raises UnknownModel, UnknownVersion."""
        digests = self._entry(name).digests
        if version not in digests:
            raise UnknownVersion(version)
        return digests[version]

    def get(self, name: str | None = None, version: str | None = None) -> Model:
        """The live version of a model, the default one's where no name is given; or the version asked for.

        A model of which no version is live answers with none. Raises UnknownModel, UnknownVersion or ModelNotReady.
        """
        name = self.default if name is None else name
        if version is None:
            answering = self._served.get(name)
            if answering is None:
                raise self._absent(name)
            version = answering.version
        elif self._entry(name).live is None:
            raise self._absent(name)
        return self._held.get((name, version)) or self._load(name, version)

    def card(self, name: str) -> Card:
        """The card of the version that answers, read without loading the model. Raises UnknownModel, ModelNotReady."""
        held, folder, digest = self._described(name)
        with _not_ready():
            return held.card if held is not None else read_card(folder, digest)

    def signature(self, name: str) -> Signature:
        """The signature of the version that answers, read without loading the model. Raises as card does."""
        held, folder, digest = self._described(name)
        with _not_ready():
            return held.card.signature if held is not None else read_signature(folder, digest)

    def follow(self, catalog: Mapping[str, Entry]) -> None:
        """Answer with the versions that a catalogue says are live, where they can; where not, go on as before."""
        with self._lock:
            self._catalog = catalog
            wanted = {name: (entry.live, entry.generation) for name, entry in catalog.items() if entry.live is not None}
            self._served = {name: answering for name, answering in self._served.items() if name in wanted}
            self._load_errors = {name: reason for name, reason in self._load_errors.items() if name in wanted}
            self._warn_of(len(wanted))
            for name, (version, generation) in wanted.items():
                if self._served.get(name) != (version, generation):
                    self._switch(name, version, generation)

    def try_version(self, name: str, version: str) -> None:
        """Load a version from its files, held or not, to see whether it may answer. Raises as get does."""
        with self._lock:
            model = self._checked(name, version)
            if self._answers_with(name) != version:
                self._held.put((name, version), model)

    def _described(self, name: str) -> tuple[Model | None, Path, str]:
        """The version that answers where it is held, its folder, and its card's digest."""
        answering = self._served.get(name)
        if answering is None:
            raise self._absent(name)
        version = answering.version
        return self._held.peek((name, version)), self._folder / name / version, self.digest(name, version)

    def _switch(self, name: str, version: str, generation: int) -> None:
        try:
            self.get(name, version)
        except (ModelNotReady, UnknownVersion) as error:
            self._record_load_error(name, f"version {version}: {error}")
            return
        before = self._answers_with(name)
        self._served = self._served | {name: ServedVersion(version, generation)}
        self._load_errors.pop(name, None)
        log.info("model %r: version %s answers (before: %s, generation %d)", name, version, before, generation)

    def _record_load_error(self, name: str, reason: str) -> None:
        """Remember why, and tell it once however often it is tried."""
        if self._load_errors.get(name) != reason:
            log.error("model %r is refused: %s", name, reason)
        self._load_errors[name] = reason
        self.failures[name] += 1

    def _answers_with(self, name: str) -> str | None:
        answering = self._served.get(name)
        return answering.version if answering else None

    def _load(self, name: str, version: str) -> Model:
        with self._lock:
            model = self._held.get((name, version))
            if model is None:
                model = self._checked(name, version)
                self._held.put((name, version), model)
            return model

    def _checked(self, name: str, version: str) -> Model:
        digest = self.digest(name, version)
        with _not_ready():
            return load_model(self._folder / name / version, digest)

    def _is_live(self, key: Key) -> bool:
        name, version = key
        entry = (self._catalog or {}).get(name)
        return entry is not None and entry.live == version

    def _warn_of(self, live: int) -> None:
        """Say once that there are more live models than this process may hold."""
        if live > self._at_most and not self._warned:
            self._warned = True
            log.warning(
                "%d models are live, and a worker holds %d: the others are loaded at each request; raise %sMAX_MODELS",
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

    def _absent(self, name: str) -> Exception:
        """Why no version of a model answers."""
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


@contextmanager
def _not_ready() -> Iterator[None]:
    """A bundle that cannot be trusted to answer is a model that is not ready."""
    try:
        yield
    except BundleError as error:
        raise ModelNotReady(str(error)) from error
