"""Answers to vectors: labels, probabilities of all labels, and the confidence in the predicted one."""

from datetime import UTC, datetime
from typing import Any

from flask import current_app

from churn_api.contract.batch import Batch
from churn_api.scoring.output import PREDICTION, PROBABILITY
from churn_api.serving.answer import Answer, version_columns
from churn_api.serving.prediction_options import Options
from churn_api.web.core.predictions import as_columns, predict
from churn_api.web.core.problems import body_errors
from churn_api.web.core.rate_limits import charge_rows
from churn_api.web.core.request_record import request_id
from churn_api.web.v1.shared.feature_vectors import Vectors, batch_of_vectors


def answer_vector(vectors: Vectors, query: dict[str, Any]) -> dict[str, Any]:
    """The answer to one vector. Raises InvalidRecord."""
    batch = batch_of_vectors(vectors.model, [vectors.values], 1, many=False)
    answer = predict(vectors.model, batch, Options(query.get("threshold")), many=False)
    (prediction,) = _predictions(answer, with_probabilities=vectors.with_probabilities is not False)
    del prediction["confidence"]
    return prediction | _metadata(answer, batch)


def answer_vectors(vectors: Vectors, query: dict[str, Any]) -> dict[str, Any]:
    """The answer to a batch of vectors. Raises InvalidRecord or TooManyRows."""
    batch = batch_of_vectors(vectors.model, vectors.values, current_app.config["MAX_BATCH_ROWS"], many=True)
    charge_rows(batch.sent)
    answer = predict(vectors.model, batch, Options(query.get("threshold")), many=True)
    predictions = _predictions(answer, with_probabilities=bool(vectors.with_probabilities))
    return {"predictions": predictions, "count": batch.sent} | _metadata(answer, batch)


def _predictions(answer: Answer, *, with_probabilities: bool) -> list[dict[str, Any]]:
    target, columns = answer.model.card.signature.target, as_columns(answer)
    labels = (target.negative, target.positive)
    predictions = []
    for prediction, probability in zip(columns[PREDICTION.name], columns[PROBABILITY.name], strict=True):
        probabilities = [1 - probability, probability]
        members = {"prediction": prediction, "prediction_label": labels[prediction]}
        members |= {"probabilities": probabilities} if with_probabilities else {}
        predictions.append(members | {"confidence": probabilities[prediction]})
    versions = version_columns(answer)
    for row, prediction in enumerate(predictions):
        prediction |= {name: values[row] for name, values in versions.items()}
    return predictions


def _metadata(answer: Answer, batch: Batch) -> dict[str, Any]:
    warnings = {"warnings": body_errors(batch.warnings)} if batch.warnings else {}
    return warnings | {
        "model_name": answer.model.card.name,
        "model_version": answer.model.card.version,
        "prediction_time": round(answer.seconds, 7),
        "timestamp": datetime.now(UTC),
        "request_id": request_id(),
    }
