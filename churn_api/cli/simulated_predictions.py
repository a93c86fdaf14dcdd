"""Simulated customers, scored by a model, counted and logged as if a client had sent them in the night; who left."""

import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from churn_api.contract.batch import Batch
from churn_api.monitoring.drift_counter import DriftCounter
from churn_api.monitoring.outcome_record import Outcome
from churn_api.monitoring.outcome_store import declare_complete, store
from churn_api.registry.model import Model
from churn_api.scoring.output import PROBABILITY
from churn_api.services import Services
from churn_api.serving.answer import Answer
from churn_api.serving.prediction_options import Options
from churn_api.training.simulated_month import DAYS, SimulatedDay

_AT = time(2, tzinfo=UTC)
_HORIZON_DAYS = 7
"""Days within which leavers leave, where the model does not say its own."""
_DRAIN_DAYS = 10
"""A shadow that falls behind would skip records, so the simulation waits for it now and then."""


class DatedLog:
    """Observes the answers of simulated nights, and logs them with their times; those of a shadow as well."""

    def __init__(self, services: Services) -> None:
        self._log = services.monitoring.prediction_log
        self.times: dict[str | None, datetime] = {}
        """By request id."""

    def predicted(self, answer: Answer) -> None:
        """Log an answer."""
        if self._log is not None:
            self._log.predicted_at(answer, int(self.times[answer.request_id].timestamp() * 1_000_000))


def score_days(services: Services, model: Model, days: Sequence[SimulatedDay]) -> None:
    """Score the customers of each day, and count and log the predictions. Raises DatabaseAway."""
    log = DatedLog(services)
    services.data_plane.observe(log)
    for number, day in enumerate(days):
        request, at = secrets.token_hex(16), night(day.day)
        log.times[request] = at
        batch = model.reader.read_many(day.records, day.customers)
        answer = services.data_plane.predict(model, batch, Options(skip_bad=True), many=True, request_id=request)
        _count(services, model, batch, answer, at)
        if number % _DRAIN_DAYS == 0:
            services.data_plane.drain()
    services.data_plane.drain()
    services.monitoring.experiment_counter.flush()


def night(day: date) -> datetime:
    """When the customers of a day are scored."""
    return datetime.combine(day, _AT)


def report_leavers(services: Services, model: Model, days: Sequence[SimulatedDay], until: date, *, by: str) -> None:
    """Report who has left up to a day, and that this is complete. Raises DatabaseAway."""
    horizon = model.card.signature.target.horizon_days or _HORIZON_DAYS
    outcomes = []
    for day in days:
        for number, leaver in enumerate(day.leavers):
            key, left_on = services.monitoring.customer_keys.key(leaver), day.day + timedelta(days=1 + number % horizon)
            if key is not None and left_on <= until:
                outcomes.append(Outcome(key, by_request=False, day=left_on, left=True, contacted=False))
    store(services.database, model.card.name, list(enumerate(outcomes)), by=by)
    declare_complete(services.database, model.card.name, until, by=by)


def _count(services: Services, model: Model, batch: Batch, answer: Answer, at: datetime) -> None:
    if model.bins is None:
        return
    counter = DriftCounter(services.database, keep_days=DAYS, now=lambda: at)
    counts = model.bins.count(batch.columns, np.asarray(answer.columns[PROBABILITY.name]))
    counter.add(model.card.name, model.card.version, counts)
    counter.flush()
