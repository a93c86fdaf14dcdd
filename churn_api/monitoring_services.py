"""Makes the parts that watch predictions from the settings: the prediction log, drift, outcomes, experiments."""

import contextlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_api.access.service_secrets import ServiceSecrets
from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.drift_counter import DriftCounter
from churn_api.monitoring.experiment_counter import ExperimentCounter
from churn_api.monitoring.log_folder import LogFolder
from churn_api.registry.catalog import Catalog
from churn_api.serving.data_plane import DataPlane
from churn_api.settings import OFF, RECORDS
from churn_api.store.change_watcher import Watcher
from churn_api.store.database import Database, DatabaseAway

if TYPE_CHECKING:
    from churn_api.monitoring.log_maintenance import LogMaintenance
    from churn_api.monitoring.prediction_logger import PredictionLogger
    from churn_api.monitoring.quality_update import QualityUpdate
    from churn_api.serving.call_list_options import CallListTotals, ListedGroups
    from churn_api.telemetry.experiment_metrics import ObservedExperiment
    from churn_api.telemetry.prediction_log_metrics import LogState
    from churn_api.telemetry.quality_metrics import MeasuredVersion
    from churn_api.telemetry.watch_metrics import WatchedVersion


class MonitoringServices:
    """The parts of one application that watch predictions. Each is made on first use.

    Many import their module where they are made: what only predicts needs neither cryptography nor Arrow.
    """

    def __init__(
        self, settings: Mapping[str, Any], database: Database, secrets: ServiceSecrets, catalog: Catalog
    ) -> None:
        self._settings = settings
        self._database = database
        self._secrets = secrets
        self._catalog = catalog
        self._models_dir = Path(settings["MODELS_DIR"])
        self.log_folder = LogFolder(Path(settings["LOG_DIR"] or Path(settings["INSTANCE_DIR"]) / "prediction-log"))
        self.drift_counter = DriftCounter(database, settings["LOG_DAYS"])
        self.experiment_counter = ExperimentCounter(database)

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
        from churn_api.monitoring.prediction_logger import PredictionLogger

        return PredictionLogger(self.log_folder.segments, self._secrets.get("LOG_SECRET"), records=mode == RECORDS)

    @cached_property
    def log_maintenance(self) -> "LogMaintenance":
        """Compacts the prediction log, and removes what is erased or old. Raises MissingSecret."""
        from churn_api.monitoring.log_maintenance import LogMaintenance

        secret, keep_days = self._secrets.get("LOG_SECRET"), self._settings["LOG_DAYS"]
        return LogMaintenance(self.log_folder, self._database, self.customer_keys, secret, keep_days)

    @cached_property
    def quality_update(self) -> "QualityUpdate":
        """Computes live quality from the prediction log and outcomes. Raises MissingSecret."""
        from churn_api.monitoring.quality_update import QualityUpdate
        from churn_api.monitoring.version_facts import horizons

        return QualityUpdate(
            self._database,
            self.log_folder,
            lambda: horizons(self._models_dir, self._catalog.read()),
            self.customer_keys,
            self._settings["LOG_DAYS"],
        )

    def record_list(self, listed: "ListedGroups") -> bool:
        """Remember who is on a call list, where predictions are logged; returns whether they are.

        Raises DatabaseAway and MissingSecret.
        """
        if self._settings["LOG_PREDICTIONS"] == OFF:
            return False
        from churn_api.monitoring.listed_customers import ListedCustomers

        ListedCustomers(self._database, self.customer_keys, self._settings["LOG_DAYS"]).record(listed)
        return True

    def checked_totals(self, model: str, version: str, totals: "CallListTotals") -> "CallListTotals":
        """What a call list amounts to, without amounts where probabilities are off. Raises DatabaseAway."""
        from churn_api.monitoring.live_calibration import checked_totals

        return checked_totals(self._database, model, version, totals)

    def observe(self, data_plane: DataPlane) -> None:
        """Let drift, experiments and the prediction log see each prediction. Raises MissingSecret."""
        data_plane.observe(self.drift_counter)
        if self.prediction_log is not None:
            data_plane.observe(self.prediction_log)
            data_plane.keep_records = self.prediction_log.records
        data_plane.observe_experiments(self.experiment_counter)

    def flush_after_polls(self, watcher: Watcher) -> None:
        """Let a watcher write the counts, and close the segment, when they are due."""
        watcher.after_each_poll(self.drift_counter.flush_if_due)
        if self.prediction_log is not None:
            watcher.after_each_poll(self.prediction_log.close_if_due)

    def close(self) -> None:
        """Write what is counted, and close the prediction log."""
        for counter in (self.drift_counter, self.experiment_counter):
            with contextlib.suppress(DatabaseAway):
                counter.flush()
        if self.prediction_log is not None:
            self.prediction_log.close()

    def log_state(self) -> "LogState":
        """What the prediction log has that is not compacted, and when it was last compacted."""
        from churn_api.monitoring.segments import waiting
        from churn_api.telemetry.prediction_log_metrics import LogState

        return LogState(*waiting(self.log_folder.segments), self.log_folder.maintained_at())

    def watched_or_none(self) -> "list[WatchedVersion] | None":
        """The watch on all live versions; None while the database is away."""
        from churn_api.monitoring.live_watch import watched_versions

        with contextlib.suppress(DatabaseAway):
            return watched_versions(self._database, self._models_dir, self._catalog.read())
        return None

    def experiments_or_none(self) -> "list[ObservedExperiment] | None":
        """The latest experiment of each model; None while the database is away."""
        from churn_api.monitoring.observed_experiments import observed_experiments

        with contextlib.suppress(DatabaseAway):
            return observed_experiments(self._database)
        return None

    def measured_or_none(self) -> "list[MeasuredVersion] | None":
        """The live quality of all live versions; None while the database is away."""
        from churn_api.monitoring.measured_versions import measured_versions

        with contextlib.suppress(DatabaseAway):
            return measured_versions(self._database, self._models_dir, self._catalog.read())
        return None
