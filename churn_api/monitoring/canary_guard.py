"""Stops the canaries that break a rule. Every process that serves looks; the one that is first stops it for all."""

import logging

from churn_api.monitoring.canary_rules import broken_rule
from churn_api.monitoring.experiment_counter import ExperimentCounter, read_counts
from churn_api.registry.catalog import Conflict
from churn_api.registry.challengers import LoadedExperiment
from churn_api.registry.experiment_catalog import ExperimentCatalog
from churn_api.registry.live import LiveModels
from churn_api.registry.model_errors import ModelNotReady, OtherKind, UnknownModel
from churn_api.store.database import Database

ACTOR = "canary rules"
"""Who stops a canary, in the audit log."""

log = logging.getLogger(__name__)


class CanaryGuard:
    """Watches the canaries of one process's models, by the counts of all processes."""

    def __init__(self, database: Database, live: LiveModels, counter: ExperimentCounter) -> None:
        self._database = database
        self._live = live
        self._counter = counter
        self._experiments = ExperimentCatalog(database)

    def look(self) -> None:
        """Write this process's counts where that is due, and look at the canaries then. Raises DatabaseAway."""
        if self._counter.flush_if_due():
            for running in self._live.challengers.running:
                if running.experiment.mode == "canary":
                    self._look_at(running)

    def _look_at(self, running: LoadedExperiment) -> None:
        experiment = running.experiment
        try:
            live = self._live.get(experiment.model, experiment.champion).card
        except (ModelNotReady, UnknownModel, OtherKind):
            return
        broken = broken_rule(read_counts(self._database, experiment.id), live, running.challenger.card)
        if broken is None:
            return
        evidence = {"rule": broken.rule, **broken.evidence}
        try:
            self._experiments.stop(experiment.id, by=ACTOR, reason=broken.words, evidence=evidence)
        except Conflict:
            log.debug("experiment %s was stopped by another process", experiment.id)
        else:
            log.warning(
                "model %r: the canary of version %s is stopped: %s",
                experiment.model,
                experiment.challenger,
                broken.words,
            )
