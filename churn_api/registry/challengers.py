"""The challengers of running experiments in the memory of this process."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from churn_api.registry.experiment import Experiment
from churn_api.registry.model import Model
from churn_api.registry.model_errors import ModelNotReady, OtherKind, UnknownModel, UnknownVersion

if TYPE_CHECKING:
    # It loads SQLAlchemy, which a program that only predicts does not need.
    from churn_api.registry.catalog import Entry

log = logging.getLogger(__name__)


class LoadedExperiment(NamedTuple):
    """A running experiment, whose challenger is in memory."""

    experiment: Experiment
    challenger: Model


class Challengers:
    """Follows the catalogue: of each model that has a running experiment, the challenger is loaded."""

    def __init__(self, load: Callable[[str, str], Model]) -> None:
        """`load` gives a version of a model. It raises as `LiveModels.get` does."""
        self._load = load
        self._loaded: Mapping[str, LoadedExperiment] = {}
        self.load_errors: dict[str, str] = {}
        """Why the challenger of a model could not be loaded, by name; the live version answers alone then."""

    def follow(self, catalog: "Mapping[str, Entry]") -> list[str]:
        """Load the challengers of a catalogue; returns the models whose challenger could not be loaded."""
        wanted = {name: entry.experiment for name, entry in catalog.items() if entry.experiment is not None}
        loaded, errors = {}, {}
        for name, experiment in wanted.items():
            try:
                loaded[name] = LoadedExperiment(experiment, self._load(name, experiment.challenger))
            except (ModelNotReady, UnknownModel, UnknownVersion, OtherKind) as error:
                errors[name] = f"challenger {experiment.challenger}: {error}"
        self._log(loaded, errors)
        self._loaded, self.load_errors = loaded, errors
        return list(errors)

    @property
    def running(self) -> list[LoadedExperiment]:
        """The running experiments whose challenger is loaded."""
        return list(self._loaded.values())

    def experiment_of(self, model: Model) -> LoadedExperiment | None:
        """The experiment in which a model is the live version; None where there is none, as nearly always.

        A request that holds a version of before a change is part of no experiment.
        """
        running = self._loaded.get(model.card.name)
        if running is None or running.experiment.champion != model.card.version:
            return None
        return running

    def _log(self, loaded: Mapping[str, LoadedExperiment], errors: Mapping[str, str]) -> None:
        for name, (experiment, _) in loaded.items():
            if name not in self._loaded or self._loaded[name].experiment.id != experiment.id:
                versions = experiment.challenger, experiment.champion
                log.info("model %r: version %s runs with version %s (%s)", name, *versions, experiment.mode)
        for name, error in errors.items():
            if self.load_errors.get(name) != error:
                log.error("model %r has no challenger: %s", name, error)
        for name in self._loaded.keys() - loaded.keys() - errors.keys():
            log.info("model %r: the experiment is over", name)
