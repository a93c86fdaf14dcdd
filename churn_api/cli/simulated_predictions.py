"""Simulated customers, scored by a model, counted and logged as if a job had scored them in the night; who left."""

import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from churn_api.contract.batch import Batch
from churn_api.monitoring.drift_counter import DriftCounter
from churn_api.monitoring.outcome_record import Outcome
from churn_api.monitoring.outcome_store import declare_complete, store
from churn_api.registry.model import Model
from churn_api.scoring.output import PREDICTION, PROBABILITY
from churn_api.services import Services
from churn_api.serving.answer import Answer
from churn_api.serving.predicted_rows import JobBlock, PredictedRows
from churn_api.serving.prediction_options import Options
from churn_api.training.simulated_month import DAYS, SimulatedDay

_AT = time(2, tzinfo=UTC)
_HORIZON_DAYS = 7
"""Days within which leavers leave, where the model does not say its own."""


def score_day(services: Services, model: Model, day: SimulatedDay) -> None:
    """Score the customers of a day, and count and log the predictions. Raises DatabaseAway."""
    batch = model.reader.read_many(day.records, day.customers)
    answer = services.data_plane.predict(model, batch, Options(skip_bad=True), many=True)
    at = datetime.combine(day.day, _AT)
    _count(services, model, batch, answer, at)
    if services.monitoring.prediction_log is not None:
        card = model.card
        block = JobBlock(secrets.token_hex(16), at, card.name, card.version, number=0, first=0)
        services.monitoring.prediction_log.block_predicted(block, _rows(model, batch, answer))


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


def _rows(model: Model, batch: Batch, answer: Answer) -> PredictedRows:
    return PredictedRows(
        threshold=answer.threshold,
        identifiers=answer.identifiers,
        probabilities=np.asarray(answer.columns[PROBABILITY.name], np.float64),
        decisions=np.asarray(answer.columns[PREDICTION.name], np.int8),
        positions=None if len(batch.positions) == batch.sent else np.asarray(batch.positions),
        signature=model.card.signature,
        records=None,
    )
