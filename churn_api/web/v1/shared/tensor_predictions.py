"""Predictions of tensor models in the form that version 1 of the API returns them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.faults import Fault
from churn_api.registry.tensor_model import TensorModel
from churn_api.serving.tensor_answer import TensorAnswer
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.problems import invalid, query_errors
from churn_api.web.core.request_record import current_request, request_id
from churn_api.web.v1.shared.tensor_forms import read_image, read_number_row

TOP_K = 5
"""Labels that the answer to an image has by default."""
_OF_CUSTOMERS = ("threshold", "reasons", "what_if")


def predict_tensor(name: str | None, query: Mapping[str, Any], body: bytes | None) -> dict[str, Any]:
    """The answer of a tensor model to one row of numbers, or to the image of a form, which has no other body."""
    record, model = current_request(), live_models().get_tensor_model(name, query.get("version"))
    record.model, record.version = model.card.name, model.card.version
    _refuse_options(query)
    if body is None:
        answer = _classify(model, read_image(model.card))
        return _label(answer) | _top(answer, query.get("top_k", TOP_K)) | _metadata(answer)
    sent = read_number_row(model.card, body)
    answer = _classify(model, sent.rows)
    top = _top(answer, query["top_k"]) if "top_k" in query else {}
    return _label(answer) | _all(answer, wanted=sent.with_probabilities) | top | _metadata(answer)


def _classify(model: TensorModel, rows: NDArray[Any]) -> TensorAnswer:
    record = current_request()
    record.rows = len(rows)
    answer = services().data_plane.classify(model, rows, many=False)
    record.inference_seconds = answer.seconds
    return answer


def _refuse_options(query: Mapping[str, Any]) -> None:
    """Raise Problem for options that only models of customers have."""
    names = [name for name in _OF_CUSTOMERS if name in query]
    if names:
        raise invalid(
            query_errors([Fault("not-valid", "A tensor model does not have it.", path=(name,)) for name in names])
        )


def _label(answer: TensorAnswer) -> dict[str, Any]:
    (best,) = answer.top(0, 1)
    return {"prediction": best.position, "prediction_label": best.label}


def _all(answer: TensorAnswer, *, wanted: bool) -> dict[str, Any]:
    return {"probabilities": np.asarray(answer.probabilities)[0].tolist()} if wanted else {}


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
