"""Predictions of tensor models in the form that version 1 of the API returns them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from flask import current_app
from numpy.typing import NDArray

from churn_api.contract.faults import Fault
from churn_api.registry.tensor_model import TensorModel
from churn_api.serving.tensor_answer import TensorAnswer
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.problems import invalid, query_errors
from churn_api.web.core.rate_limits import charge_rows
from churn_api.web.core.request_record import current_request, request_id
from churn_api.web.v1.shared.tensor_forms import read_image, read_row, read_rows

TOP_K = 5
"""Labels that the answer to an image has by default."""
_OPTIONS = ("version", "top_k")
"""Query parameters that apply to tensor models."""


def predict_tensor(name: str | None, query: Mapping[str, Any], body: bytes | None) -> dict[str, Any]:
    """The answer of a tensor model to one row of numbers, or to the image of a form, which has no other body."""
    model = _model(name, query)
    if body is None:
        answer = _classify(model, read_image(model.card), many=False)
        return _label(answer, 0) | _top(answer, query.get("top_k", TOP_K)) | _metadata(answer)
    sent = read_row(model.card, body)
    answer = _classify(model, sent.rows, many=False)
    all_labels = {} if sent.with_probabilities is False else _all(answer, 0)
    top = _top(answer, query["top_k"]) if "top_k" in query else {}
    return _label(answer, 0) | all_labels | top | _metadata(answer)


def predict_tensor_rows(name: str | None, query: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """The answer of a tensor model to many rows of numbers."""
    model = _model(name, query)
    sent = read_rows(model.card, body, current_app.config["MAX_BATCH_ROWS"])
    charge_rows(len(sent.rows))
    answer = _classify(model, sent.rows, many=True)
    predictions = [
        _label(answer, row) | (_all(answer, row) if sent.with_probabilities else {}) | _confidence(answer, row)
        for row in range(answer.rows)
    ]
    return {"predictions": predictions, "count": answer.rows} | _metadata(answer)


def _model(name: str | None, query: Mapping[str, Any]) -> TensorModel:
    """The tensor model for a request. Raises Problem for options that only models of customers have."""
    record, model = current_request(), live_models().get_tensor_model(name, query.get("version"))
    record.model, record.version = model.card.name, model.card.version
    defaults = record.operation.query().defaults if record.operation else {}
    wrong = [option for option, value in query.items() if option not in _OPTIONS and value != defaults.get(option)]
    if wrong:
        message = "A tensor model does not have it."
        raise invalid(query_errors(Fault("not-valid", message, path=(option,)) for option in wrong))
    return model


def _classify(model: TensorModel, rows: NDArray[Any], *, many: bool) -> TensorAnswer:
    record = current_request()
    record.rows = len(rows)
    answer = services().data_plane.classify(model, rows, many=many)
    record.inference_seconds = answer.seconds
    return answer


def _label(answer: TensorAnswer, row: int) -> dict[str, Any]:
    (best,) = answer.top(row, 1)
    return {"prediction": best.position, "prediction_label": best.label}


def _confidence(answer: TensorAnswer, row: int) -> dict[str, Any]:
    (best,) = answer.top(row, 1)
    return {"confidence": best.probability}


def _all(answer: TensorAnswer, row: int) -> dict[str, Any]:
    return {"probabilities": np.asarray(answer.probabilities)[row].tolist()}


def _top(answer: TensorAnswer, count: int) -> dict[str, Any]:
    top = answer.top(0, count)
    return {"predictions": [{"class_name": one.label, "confidence": one.probability} for one in top]}


def _metadata(answer: TensorAnswer) -> dict[str, Any]:
    return {
        "prediction_time": round(answer.seconds, 6),
        "model_name": answer.model.card.name,
        "model_version": answer.model.card.version,
        "inference_time_ms": round(answer.seconds * 1000, 4),
        "timestamp": datetime.now(UTC),
        "request_id": request_id(),
    }
