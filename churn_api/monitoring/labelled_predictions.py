"""Predictions with what became of them: those that count, and whose outcome is known.

A prediction at t is mature when everyone who left up to t + H is reported, H being the horizon of its version; its
label is whether the customer left within (t, t + H]. In days: who left on the day of the prediction is left out, since
it is not known which came first. Of the predictions that one version made for one customer in a period of H days, the
first of each variant counts: a customer who is scored every night would count thirty times otherwise, and one whom a
job scores as well must not leave a group of an experiment. Periods have fixed bounds, so that a correction changes the
figures of one period, and nothing depends on how far back the log reaches.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.monitoring.labelled_periods import Period, later
from churn_api.monitoring.outcome_events import OutcomeIndex, Outcomes, Subjects, Truths
from churn_api.monitoring.prediction_arrays import LOGGED_COLUMNS, OF_CUSTOMERS, PredictionArrays, PredictionReader
from churn_api.registry.variants import SHADOW

MAX_ROWS = 1 << 20
"""Predictions that are held at once: those of some of the customers, where a period has more."""


class DailyPredictions(Protocol):
    """The logged predictions of models, by day (UTC)."""

    def days(self, model: str) -> Sequence[date]:
        """The days with predictions of a model, in order."""
        ...

    def rows(self, model: str, day: date) -> int:
        """The number of predictions of a day."""
        ...

    def tables(self, model: str, day: date, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The predictions of a day, with the columns named, in tables of any size."""
        ...


class LabelledPredictions(NamedTuple):
    """n mature predictions that count: of one day, version, variant and challenger. Arrays have shape (n,)."""

    day: date
    version: str
    variant: str
    challenger: str | None
    """The version that scored the same records in the shadow; None where none did."""
    times: NDArray[np.int64]
    """Microseconds since 1970, UTC."""
    probabilities: NDArray[np.float64]
    positive: Truths
    """Whether churn was predicted."""
    left: Truths
    """Whether the customer left within the horizon."""
    contacted: Truths
    """Whether the company called the customer: calling changes what the figures say of the model."""
    challenger_probabilities: NDArray[np.float64]
    """The challenger's, of the same records; NaN where there is none."""


class Join:
    """Joins the predictions of one period with outcomes."""

    def __init__(self, log: DailyPredictions, model: str, period: Period, request_key: Callable[[str], bytes]) -> None:
        """`request_key` is the key under which outcomes name a request."""
        self._log = log
        self._model = model
        self._period = period
        self._request_key = request_key
        self.known: Truths = np.empty(0, bool)
        """For each outcome that was joined, whether there are predictions of its customer or request."""
        self.without_identifier = Counter[str]()
        """By version: predictions that do not count, since no outcome can name them."""

    def labelled(self, outcomes: Outcomes, until: date, versions: Collection[str]) -> Iterator[LabelledPredictions]:
        """The predictions of these versions that count, up to the day `until`: the last that is mature.

        `outcomes` are those from the first day of the period to H days after its last. Where they name requests of one
        record, predictions without an identifier count too; a request for a known customer speaks of the customer.
        """
        self.known = np.zeros(len(outcomes.subjects), bool)
        names_requests = bool(outcomes.by_request.any())
        with_customers = self._of_customers(outcomes) if names_requests else outcomes
        days = self._days(min(until, self._period.last))
        parts = -(-sum(self._log.rows(self._model, day) for day in days) // MAX_ROWS)
        for part in range(parts):
            reader = PredictionReader(self._request_key if names_requests else None)
            predictions = self._read(reader, days, versions, (parts, part))
            self._note_known(outcomes, predictions)
            counted = self._nameable(_first_of_each(predictions), reader.names)
            yield from _labelled(counted, with_customers, self._period.horizon, reader.names)

    def _days(self, last: date) -> list[date]:
        return [day for day in self._log.days(self._model) if self._period.first <= day <= last]

    def _read(
        self, reader: PredictionReader, days: Sequence[date], versions: Collection[str], part: tuple[int, int]
    ) -> PredictionArrays:
        """The predictions for a part of the customers: `part` has the number of parts, and which one."""
        found = []
        for day in days:
            columns = LOGGED_COLUMNS if reader.needs_requests or self._has_shadow(day) else OF_CUSTOMERS
            for table in self._log.tables(self._model, day, columns):
                arrays = reader.read(table)
                wanted = [position for position, name in enumerate(reader.names) if name in versions]
                of_part = arrays.subjects % np.uint64(part[0]) == part[1]
                found.append(arrays.take(np.isin(arrays.versions, wanted) & of_part))
        return PredictionArrays.concatenated(found)

    def _has_shadow(self, day: date) -> bool:
        tables = self._log.tables(self._model, day, ["variant"])
        return any(SHADOW in table.column("variant").unique().to_pylist() for table in tables)

    def _of_customers(self, outcomes: Outcomes) -> Outcomes:
        """Outcomes, in addition with the customers of the requests that they name."""
        named = outcomes.take(outcomes.by_request)
        customers = defaultdict[int, set[int]](set)
        reader = PredictionReader(self._request_key)
        for day in self._days(later(self._period.last, self._period.horizon)):
            for table in self._log.tables(self._model, day, LOGGED_COLUMNS):
                arrays = reader.read(table)
                arrays = arrays.take(~arrays.anonymous & np.isin(arrays.requests, named.subjects))
                for request, subject in zip(arrays.requests.tolist(), arrays.subjects.tolist(), strict=True):
                    customers[request].add(subject)
        pairs = [(row, one) for row, request in enumerate(named.subjects.tolist()) for one in customers[request]]
        rows = np.array([row for row, _ in pairs], np.intp)
        self.known[np.flatnonzero(outcomes.by_request)[rows]] = True
        subjects = np.array([subject for _, subject in pairs], np.uint64)
        translated = named.take(rows)._replace(subjects=subjects, by_request=np.zeros(len(pairs), bool))
        return Outcomes._make(np.concatenate(both) for both in zip(outcomes, translated, strict=True))

    def _note_known(self, outcomes: Outcomes, predictions: PredictionArrays) -> None:
        of_requests = np.isin(outcomes.subjects, predictions.requests)
        of_customers = np.isin(outcomes.subjects, predictions.subjects[~predictions.anonymous])
        self.known |= np.where(outcomes.by_request, of_requests, of_customers)

    def _nameable(self, predictions: PredictionArrays, names: Sequence[str]) -> PredictionArrays:
        """The predictions that outcomes can name; the others are counted."""
        nameable = ~predictions.anonymous | (predictions.requests != 0)
        for version, count in zip(*np.unique(predictions.versions[~nameable], return_counts=True), strict=True):
            self.without_identifier[names[version]] += int(count)
        return predictions.take(nameable)


def _first_of_each(predictions: PredictionArrays) -> PredictionArrays:
    """The first prediction of each version and variant for each customer, and all without an identifier."""
    keys = (predictions.subjects, predictions.variants, predictions.versions)
    order = np.lexsort((predictions.times, *keys))
    first = np.ones(len(order), bool)
    first[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    first |= predictions.anonymous[order]
    return predictions.take(order[first])


def _labelled(
    counted: PredictionArrays, outcomes: Outcomes, horizon: int, names: Sequence[str]
) -> Iterator[LabelledPredictions]:
    customers = OutcomeIndex(outcomes.take(~outcomes.by_request))
    requests = OutcomeIndex(outcomes.take(outcomes.by_request))
    days, known = counted.days, ~counted.anonymous

    def either(of: Callable[[OutcomeIndex, Subjects], Truths]) -> Truths:
        return np.where(known, of(customers, counted.subjects), of(requests, counted.requests))

    certain = ~either(lambda index, subjects: index.left_same_day(subjects, days))
    left = either(lambda index, subjects: index.left(subjects, days, horizon))
    contacted = either(lambda index, subjects: index.contacted(subjects, days, horizon))
    yield from _grouped(counted.take(certain), left[certain], contacted[certain], names)


def _grouped(
    counted: PredictionArrays, left: Truths, contacted: Truths, names: Sequence[str]
) -> Iterator[LabelledPredictions]:
    """By day, version, variant and challenger."""
    keys = np.stack([counted.days, counted.versions, counted.variants, counted.challengers])
    order = np.lexsort((counted.times, *keys[::-1]))
    keys = keys[:, order]
    bounds = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
    for rows in np.split(order, bounds) if len(order) else ():
        one = counted.take(rows)
        challenger = int(one.challengers[0])
        yield LabelledPredictions(
            day=date.fromordinal(int(one.days[0])),
            version=names[int(one.versions[0])],
            variant=names[int(one.variants[0])],
            challenger=None if challenger < 0 else names[challenger],
            times=one.times,
            probabilities=one.probabilities.astype(np.float64),
            positive=one.positive,
            left=left[rows],
            contacted=contacted[rows],
            challenger_probabilities=one.challenger_probabilities.astype(np.float64),
        )
