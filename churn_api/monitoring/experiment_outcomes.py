"""What became of the customers of experiments: sums by day, from which the verdict follows."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.monitoring.confidence_sequence import NOTHING, Sums
from churn_api.monitoring.experiment_days import read_sums, replace_days
from churn_api.monitoring.experiment_verdict import PAIRED, Measure, losses, verdict
from churn_api.monitoring.labelled_predictions import LabelledPredictions
from churn_api.registry.experiment import Experiment
from churn_api.registry.experiment_catalog import ExperimentCatalog
from churn_api.registry.variants import CHALLENGER, CONTROL
from churn_api.store.database import Database

ACTOR = "outcomes"
"""Who decides, in the audit log."""
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Key = tuple[date, Measure, str]


class ExperimentOutcomes:
    """Collects the mature predictions of a period of days for the experiments of one model, and stores their sums."""

    def __init__(self, database: Database, model: str, first: date, last: date) -> None:
        """Raises DatabaseAway."""
        self._database = database
        self._catalog = ExperimentCatalog(database)
        self._first, self._last = first, last
        self._experiments = self._catalog.between(model, _start_of(first), _start_of(last) + timedelta(days=1))
        self._sums = {one.id: defaultdict[Key, Sums](lambda: NOTHING) for one in self._experiments}

    def add(self, labelled: LabelledPredictions) -> None:
        """Take mature predictions into account, where they are of an experiment."""
        for experiment in self._experiments:
            during = _during(experiment, labelled.times)
            if during.any():
                sums = self._sums[experiment.id]
                for measure, variant, values in _values(experiment, labelled, during):
                    key = labelled.day, measure, variant
                    sums[key] = sums[key].plus(Sums.of(values))

    def store(self, versions: Collection[str]) -> None:
        """Replace the sums of the period for predictions of these versions, and record what that decides.

        Raises DatabaseAway.
        """
        for experiment in self._experiments:
            variants = _variants_of(experiment, versions)
            replace_days(self._database, experiment.id, (self._first, self._last), variants, self._sums[experiment.id])
            self._decide(experiment)

    def _decide(self, experiment: Experiment) -> None:
        if experiment.result is not None:
            return
        found = verdict(experiment.mode, read_sums(self._database, experiment.id))
        if found.better is not None:
            measure, interval = next(iter(found.intervals.items()))
            result: dict[str, Any] = {"better": found.better, "measure": measure}
            if interval is not None:
                result |= interval._asdict()
            self._catalog.decide(experiment, result, by=ACTOR)


def _variants_of(experiment: Experiment, versions: Collection[str]) -> list[str]:
    """The sums that follow from predictions of some versions: the live version's rows have what a shadow says."""
    by_version: dict[str, list[str]] = {experiment.champion: [PAIRED, CONTROL], experiment.challenger: [CHALLENGER]}
    return [variant for version in versions for variant in by_version.get(version, [])]


def _values(
    experiment: Experiment, labelled: LabelledPredictions, during: NDArray[np.bool_]
) -> Iterator[tuple[Measure, str, NDArray[np.float64]]]:
    """The values that predictions contribute, by measure and variant."""
    # Who was called behaves in another way than the model was asked about.
    uncalled = during & ~labelled.contacted
    if experiment.mode == "shadow":
        if labelled.version == experiment.champion and labelled.challenger == experiment.challenger:
            left = labelled.left[uncalled]
            ours, theirs = labelled.probabilities[uncalled], labelled.challenger_probabilities[uncalled]
            others = losses(theirs, left)
            for measure, values in losses(ours, left).items():
                yield measure, PAIRED, values - others[measure]
    elif (labelled.version, labelled.variant) in (
        (experiment.champion, CONTROL),
        (experiment.challenger, CHALLENGER),
    ):
        for measure, values in losses(labelled.probabilities[uncalled], labelled.left[uncalled]).items():
            yield measure, labelled.variant, values
        yield "left", labelled.variant, labelled.left[during].astype(np.float64)


def _during(experiment: Experiment, times: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of n moments are within an experiment."""
    end = np.iinfo(np.int64).max if experiment.stopped_at is None else _microseconds(experiment.stopped_at)
    return (times >= _microseconds(experiment.started_at)) & (times <= end)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
