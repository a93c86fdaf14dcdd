"""Predictions for a request: the model, the call of the data plane, and the answer as rows, columns or one record."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args

import msgspec

from churn_api.contract.batch import Batch
from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.registry.model import AnyModel, Model
from churn_api.scoring.explanation import Scale
from churn_api.scoring.output import COLUMNS
from churn_api.serving.answer import Answer, version_columns
from churn_api.serving.prediction_options import Options
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

MIXED = "mixed"
"""The variant of a batch whose records have several."""

_LABELS = {column.name: column.labels for column in COLUMNS}


def model_of_request(name: str | None, version: str | None = None) -> Model:
    """The model of customers for a request, recorded in the request record.

    Raises UnknownModel, UnknownVersion, ModelNotReady or OtherKind.
    """
    record, model = current_request(), live_models().get(name, version)
    record.model, record.version, record.pinned = model.card.name, model.card.version, version is not None
    return model


def any_model_of_request(name: str | None, version: str | None = None) -> AnyModel:
    """The model of either kind for a request, in the same way."""
    record, model = current_request(), live_models().get_any(name, version)
    record.model, record.version, record.pinned = model.card.name, model.card.version, version is not None
    return model


def predict(model: Model, batch: Batch, options: Options, *, many: bool) -> Answer:
    """Predict, and record rows, faults and inference time in the request record. Raises InvalidRecord.

    While an experiment runs, the answer may be of another version than `model`, unless the request names its version.
    """
    record = current_request()
    record.rows, record.bad_rows, record.faults = batch.sent, batch.sent - len(batch.positions), batch.faults
    if record.pinned:
        options = options._replace(pinned=True)
    answer = services().data_plane.predict(model, batch, options, many=many, request_id=record.request_id)
    record.inference_seconds = answer.seconds
    if answer.experiment is not None:
        record.version, record.variant = answer.model.card.version, MIXED if answer.split else answer.variant
    return answer


def as_columns(answer: Answer) -> dict[str, list[Any]]:
    """An answer as one list for each field."""
    columns = answer.columns
    values = {column.name: column.values(columns[column.name]) for column in COLUMNS}
    return {IDENTIFIER: answer.identifiers, **values, **version_columns(answer)}


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
    if answer.experiment is not None:
        record["variant"] = answer.variant
    return record


def as_rows(answer: Answer) -> list[Any]:
    """An answer as one object for each customer."""
    columns = as_explained_columns(answer)
    if answer.experiment is not None:
        return list(map(_struct_of(tuple(columns)), *columns.values()))
    kind = ScoredCustomer if answer.explained is None else _BY_SCALE[answer.explained.explanation.scale]
    return list(map(kind, *columns.values()))


@cache
def _struct_of(names: tuple[str, ...]) -> Any:
    """A prediction of a batch with these members, while an experiment runs."""
    return msgspec.defstruct("ComparedCustomer", [(name, Any) for name in names], gc=False)


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
