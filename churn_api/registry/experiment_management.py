"""Starts and stops experiments, and lets this process follow at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from churn_api.contract.reading_differences import reading_differences
from churn_api.contract.signature import Target
from churn_api.registry.catalog import Catalog
from churn_api.registry.experiment import Experiment, Mode
from churn_api.registry.experiment_catalog import ExperimentCatalog
from churn_api.registry.live import LiveModels
from churn_api.registry.management import Unusable
from churn_api.registry.model_errors import ModelNotReady, UnknownModel

_SHOWN = 5
"""Differences that an error names."""


class UnusableChallenger(Unusable):
    """The version cannot run with the live one; the text says why."""

    part = "challenger"


class ExperimentManagement:
    """Operations on the experiments of one catalogue."""

    def __init__(self, catalog: Catalog, live: LiveModels, experiments: ExperimentCatalog) -> None:
        self._catalog = catalog
        self._live = live
        self._experiments = experiments

    def start(self, name: str, challenger: str, mode: Mode, share: int, *, by: str) -> Experiment:
        """Put a version alongside the live one, and let it take part in this process. `share` is in ten-thousandths.

        Raises UnknownModel, UnknownVersion, OtherKind, ModelNotReady, UnusableChallenger, or Conflict.
        """
        self._follow()
        if name not in self._live.served:
            raise UnknownModel(name)
        mine = self._live.get(name).card.signature
        with _unusable_where_not_ready():
            self._live.try_version(name, challenger)
            theirs = self._live.get(name, challenger).card.signature
        differences = [*reading_differences(mine, theirs), *_other_target(mine.target, theirs.target)]
        if differences:
            more = f", and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
            raise UnusableChallenger(
                f"it does not read what the live version reads: {'; '.join(differences[:_SHOWN])}{more}"
            )
        experiment = self._experiments.start(name, challenger, mode, share, by=by)
        self._follow()
        return experiment

    def stop(self, id_: str, *, by: str, reason: str) -> Experiment:
        """Stop an experiment. Raises UnknownExperiment, or Conflict where it was stopped before."""
        stopped = self._experiments.stop(id_, by=by, reason=reason)
        self._follow()
        return stopped

    def _follow(self) -> None:
        self._live.follow(self._catalog.read())


@contextmanager
def _unusable_where_not_ready() -> Iterator[None]:
    try:
        yield
    except ModelNotReady as error:
        raise UnusableChallenger(f"it may not answer: {error}") from error


def _other_target(mine: Target, theirs: Target) -> Iterator[str]:
    if (mine.name, mine.positive, mine.negative) != (theirs.name, theirs.positive, theirs.negative):
        yield "it predicts another column"
    elif None not in (mine.horizon_days, theirs.horizon_days) and mine.horizon_days != theirs.horizon_days:
        yield f"its horizon is {theirs.horizon_days} days, and that of the live version {mine.horizon_days}"
