"""The shape of predictions."""

from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.batch import Batch
from churn_api.registry.model import Model
from churn_api.web.headers import request_id


class Scores(NamedTuple):
    """What a model said of some records, and how long it took."""

    model: Model
    identifiers: list[Any]
    threshold: float
    probabilities: NDArray[np.float64]
    milliseconds: float


def score(model: Model, batch: Batch, threshold: float | None) -> Scores:
    """Score the good records of a body, at the model's own threshold unless another is given."""
    started = perf_counter()
    probabilities = model.score(batch.columns)
    milliseconds = (perf_counter() - started) * 1000
    decided_at = model.card.policy.threshold if threshold is None else threshold
    return Scores(model, batch.identifiers, decided_at, probabilities, milliseconds)


def scored_rows(scores: Scores) -> list[dict[str, Any]]:
    """One object a customer."""
    columns = scored_columns(scores).values()
    return [
        {"customer_id": sent, "churn_prediction": prediction, "churn_probability": probability, "risk_band": band}
        for sent, prediction, probability, band in zip(*columns, strict=True)
    ]


def scored_columns(scores: Scores) -> dict[str, list[Any]]:
    """One list a field."""
    policy = scores.model.card.policy
    return {
        "customer_id": scores.identifiers,
        "churn_prediction": policy.predictions(scores.probabilities, scores.threshold),
        "churn_probability": scores.probabilities.tolist(),
        "risk_band": policy.bands(scores.probabilities),
    }


def about(scores: Scores) -> dict[str, Any]:
    """What every answer tells of the model that made it."""
    card = scores.model.card
    return {
        "threshold": scores.threshold,
        "model_name": card.name,
        "model_version": card.version,
        "inference_time_ms": round(scores.milliseconds, 4),
        "timestamp": timestamp(),
        "request_id": request_id(),
    }


def timestamp() -> str:
    """Now, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
