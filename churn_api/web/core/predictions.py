"""Predictions for a request: the model, the call of the data plane, and the answer as rows, columns or one record."""

from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from churn_api.contract.batch import Batch
from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.registry.model import AnyModel, Model
from churn_api.scoring.explanation import Scale
from churn_api.scoring.output import COLUMNS
from churn_api.serving.answer import Answer
from churn_api.serving.data_plane import Options
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.prediction_reasons import as_columns as reasons_as_columns
from churn_api.web.core.request_record import current_request, request_id

ScoredCustomer: Any = msgspec.defstruct(
    "ScoredCustomer", [(IDENTIFIER, Any), *((column.name, Any) for column in COLUMNS)], gc=False
)
"""One prediction of a batch. A struct is created and serialized in half the time of a dictionary."""


_BY_SCALE: dict[str, Any] = {
    scale: msgspec.defstruct(
        "ExplainedCustomer",
        [("reasons", list[Any]), ("others", float), (scale, float)],
        bases=(ScoredCustomer,),
        gc=False,
    )
    for scale in get_args(Scale)
}
"""One prediction with its reasons, by the scale of their total."""

_LABELS = {column.name: column.labels for column in COLUMNS}


def model_of_request(name: str | None, version: str | None = None) -> Model:
    """The model of customers for a request, recorded in the request record.

    Raises UnknownModel, UnknownVersion, ModelNotReady or OtherKind.
    """
    record, model = current_request(), live_models().get(name, version)
    record.model, record.version = model.card.name, model.card.version
    return model


def any_model_of_request(name: str | None, version: str | None = None) -> AnyModel:
    """The model of either kind for a request, in the same way."""
    record, model = current_request(), live_models().get_any(name, version)
    record.model, record.version = model.card.name, model.card.version
    return model


def predict(model: Model, batch: Batch, options: Options, *, many: bool) -> Answer:
    """Predict, and record rows, faults and inference time in the request record. Raises InvalidRecord."""
    record = current_request()
    record.rows, record.bad_rows, record.faults = batch.sent, batch.sent - len(batch.positions), batch.faults
    answer = services().data_plane.predict(model, batch, options, many=many, request_id=record.request_id)
    record.inference_seconds = answer.seconds
    return answer


def as_columns(answer: Answer) -> dict[str, list[Any]]:
    """An answer as one list for each field."""
    columns = answer.columns
    values = {column.name: column.values(columns[column.name]) for column in COLUMNS}
    return {IDENTIFIER: answer.identifiers, **values}


def as_explained_columns(answer: Answer) -> dict[str, list[Any]]:
    """The same with reasons, where the answer has some."""
    reasons = {} if answer.explained is None else reasons_as_columns(answer.explained)
    return as_columns(answer) | reasons


def as_record(answer: Answer) -> dict[str, Any]:
    """An answer with one customer as an object."""
    record = {IDENTIFIER: answer.identifiers[0]}
    for name, labels in _LABELS.items():
        value = answer.columns[name][0]
        record[name] = labels[value] if labels else value
    return record


def as_rows(answer: Answer) -> list[Any]:
    """An answer as one object for each customer."""
    columns = as_explained_columns(answer)
    kind = ScoredCustomer if answer.explained is None else _BY_SCALE[answer.explained.explanation.scale]
    return list(map(kind, *columns.values()))


def model_metadata(model: Model, threshold: float | None, seconds: float, policy: int | None) -> dict[str, Any]:
    """The members of every response with predictions: the model, the threshold that was applied, time, request id.

    `policy` is the version of the costs that the threshold follows from, if any.
    """
    metadata = {
        "threshold": threshold,
        "model_name": model.card.name,
        "model_version": model.card.version,
        "inference_time_ms": round(seconds * 1000, 4),
        "timestamp": datetime.now(UTC),
        "request_id": request_id(),
    }
    return metadata if policy is None else metadata | {"policy": policy}
