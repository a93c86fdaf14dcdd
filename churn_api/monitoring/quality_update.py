"""Keeps live quality up to date: joins the periods whose predictions or outcomes have changed.

Whether anything has changed follows from a digest of what a period is computed from, so a late outcome, a correction,
an erasure and a new day of the log are all found in the same way, also after a crash. Each period is replaced in one
transaction.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import NamedTuple

import msgspec

from churn_api.monitoring.compacted_log import CompactedLog, log_identity
from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.experiment_outcomes import ExperimentOutcomes
from churn_api.monitoring.labelled_periods import Period, later
from churn_api.monitoring.labelled_predictions import Join
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.outcome_arrays import DayState, day_states, read_outcomes
from churn_api.monitoring.outcome_record import request_key
from churn_api.monitoring.outcome_store import complete_until
from churn_api.monitoring.quality_counts import QualityCounts
from churn_api.monitoring.quality_store import ComputedPeriod, DayKey, replace_period, stored_inputs
from churn_api.store.database import Database, DatabaseAway

CHECK_SECONDS = 60.0
STOP_SECONDS = 2.0
LOCK = "quality"
_FORMAT = 1
"""Of what is stored: another number computes everything again."""

log = logging.getLogger(__name__)

Horizons = Callable[[], Mapping[str, Mapping[str, int]]]
"""By model and version, the horizon in days, of versions that have one."""


class QualityUpdate:
    """Computes the live quality of all models from one prediction log. One process does so at a time."""

    def __init__(
        self, database: Database, folder: LogFolder, horizons: Horizons, keys: CustomerKeys, keep_days: float
    ) -> None:
        """`keep_days` says how long the log keeps predictions: of older ones the figures stay as they are."""
        self._database = database
        self._folder = folder
        self._horizons = horizons
        self._keys = keys
        self._keep = timedelta(days=keep_days)
        self._stopped = threading.Event()

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Join what has changed once a minute, in a thread, until the end of the block."""
        thread = threading.Thread(target=self._run_until_stopped, name="quality", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            # Not longer: a period that is not finished is computed again, and the process may be killed at any moment.
            thread.join(STOP_SECONDS)

    def run(self) -> None:
        """Join what has changed. Raises DatabaseAway or OSError."""
        with self._folder.alone(LOCK) as mine:
            if not mine:
                return
            for update in self._changed(CompactedLog(self._folder, self._database)):
                if self._stopped.is_set():
                    return
                update()

    def _run_until_stopped(self) -> None:
        while not self._stopped.is_set():
            self._run_or_log()
            self._stopped.wait(CHECK_SECONDS)

    def _run_or_log(self) -> None:
        try:
            self.run()
        except DatabaseAway as error:
            log.warning("live quality is not computed: the database %s", error.state)
        except Exception:
            # Whatever fails, jobs go on; the next run tries again.
            log.exception("live quality cannot be computed")

    def _changed(self, predictions: CompactedLog) -> Iterator[Callable[[], None]]:
        """For each period that has changed, a function that replaces it."""
        identity = log_identity(self._folder)
        horizons = self._horizons()
        for model, until in sorted(complete_until(self._database).items()):
            stored = stored_inputs(self._database, identity, model)
            states = day_states(self._database, model)
            for horizon, versions in _by_horizon(horizons.get(model, {})).items():
                days = {*predictions.days(model), *(first for version, first in stored if version in versions)}
                for period in self._periods(days, horizon):
                    work = _PeriodWork(predictions, model, period, period.mature_until(until))
                    inputs = work.inputs(states)
                    todo = [one for one in versions if stored.get((one, period.first), "") != inputs]
                    if todo:
                        yield partial(self._replace, work, identity, todo, inputs)

    def _periods(self, days: Collection[date], horizon: int) -> Iterator[Period]:
        """The periods of days that are still complete in the log, in order."""
        oldest = datetime.now(UTC).date() - self._keep
        for period in dict.fromkeys(Period.of(day, horizon) for day in sorted(days)):
            if period.first >= oldest:
                yield period

    def _replace(self, work: "_PeriodWork", identity: str, versions: Sequence[str], inputs: str) -> None:
        experiments = ExperimentOutcomes(self._database, work.model, work.period.first, work.period.last)
        computed = work.computed(self._database, self._keys, versions, inputs, experiments)
        # Before the digest is stored: a worker that is killed in between does both again.
        experiments.store(versions)
        replace_period(self._database, identity, work.model, versions, computed)
        log.info(
            "quality of %s: %d predictions from %s to %s have known outcomes",
            work.model,
            sum(int(one.leavers.sum() + one.loyal.sum()) for one in computed.days.values()),
            computed.first,
            computed.last,
        )


class _PeriodWork(NamedTuple):
    """One period of a model to join with outcomes."""

    predictions: CompactedLog
    model: str
    period: Period
    mature: date | None
    """The last day whose predictions are mature; None where there is none."""

    @property
    def last_outcome(self) -> date:
        """The last day whose outcomes matter."""
        return later(self.period.last, self.period.horizon)

    def inputs(self, states: Mapping[date, DayState]) -> str:
        """A digest of all that the figures follow from; empty where no prediction is mature."""
        if self.mature is None:
            return ""
        outcomes = {day: state for day, state in states.items() if self.period.first <= day <= self.last_outcome}
        # Where outcomes name requests, later predictions say whose requests these are.
        last = self.last_outcome if any(state.by_request for state in outcomes.values()) else self.mature
        days = [day for day in self.predictions.days(self.model) if self.period.first <= day <= last]
        files = [(day, self.predictions.state(self.model, day)) for day in days]
        document = (_FORMAT, self.period, self.mature, files, sorted(outcomes.items()))
        return sha256(msgspec.json.encode(document)).hexdigest()

    def computed(
        self,
        database: Database,
        keys: CustomerKeys,
        versions: Sequence[str],
        inputs: str,
        experiments: ExperimentOutcomes,
    ) -> ComputedPeriod:
        """Join the predictions of some versions with what is known now, also for experiments. Raises DatabaseAway."""
        join = Join(self.predictions, self.model, self.period, partial(request_key, keys))
        days = defaultdict[DayKey, QualityCounts](QualityCounts.none)
        known: list[int] = []
        if self.mature is not None:
            outcomes, ids = read_outcomes(database, self.model, self.period.first, self.last_outcome)
            for one in join.labelled(outcomes, self.mature, versions):
                experiments.add(one)
                for contacted in (False, True):
                    rows = one.contacted == contacted
                    key = DayKey(one.version, one.variant, one.day, contacted)
                    if rows.any():
                        counted = QualityCounts.of(one.probabilities[rows], one.left[rows], one.positive[rows])
                        days[key] = days[key].plus(counted)
            known = ids[join.known].tolist()
        return ComputedPeriod(self.period.first, self.period.last, inputs, days, join.without_identifier, known)


def _by_horizon(horizons: Mapping[str, int]) -> Mapping[int, list[str]]:
    versions = defaultdict[int, list[str]](list)
    for version, horizon in horizons.items():
        versions[horizon].append(version)
    return versions
