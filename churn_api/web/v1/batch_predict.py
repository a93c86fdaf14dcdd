"""The route `/batch-predict`: many customers in one request."""

from typing import Any

import msgspec
import numpy as np
import orjson
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import PREDICT
from churn_api.contract.batch import Batch
from churn_api.contract.faults import Fault
from churn_api.registry.model_errors import OtherKind
from churn_api.serving.answer import Answer
from churn_api.tables.formats import MEDIA_TYPES, is_excel_safe
from churn_api.web.core.body import read_records
from churn_api.web.core.operation import operation
from churn_api.web.core.prediction_headers import OUTSIDE, TABLE_HEADERS, UNSEEN
from churn_api.web.core.prediction_reasons import shared_members
from churn_api.web.core.predictions import (
    as_columns,
    as_explained_columns,
    as_rows,
    model_metadata,
    model_of_request,
    predict,
)
from churn_api.web.core.problems import WHEN_PREDICTING, body_errors, invalid, query_errors
from churn_api.web.core.rate_limits import charge_rows
from churn_api.web.v1.shared.batch_options import COLUMNS, options_of
from churn_api.web.v1.shared.batch_tables import columns_response, table_response
from churn_api.web.v1.shared.feature_vectors import read_vectors, require_json_answer
from churn_api.web.v1.shared.negotiation import negotiate_formats
from churn_api.web.v1.shared.prediction_schemas import BatchPredictionSchema, BatchQuerySchema
from churn_api.web.v1.shared.tensor_prediction_schema import TensorBatchPredictionSchema
from churn_api.web.v1.shared.tensor_predictions import predict_tensor_rows
from churn_api.web.v1.shared.vector_answers import answer_vectors

blueprint = Blueprint("batch", __name__)


@blueprint.post("/batch-predict/<model>")
@blueprint.post("/batch-predict")
@operation(
    "Predict",
    access=PREDICT,
    limit="batch",
    body="batch",
    query=BatchQuerySchema,
    response=BatchPredictionSchema,
    tensors=TensorBatchPredictionSchema,
    problems=(*WHEN_PREDICTING, "malformed-table"),
    id="predictBatch",
    response_headers=TABLE_HEADERS,
)
def batch_predict(query: dict[str, Any], model: str | None = None) -> ResponseReturnValue:
    """Score many customers. Predictions have the order of the customers.

    With `on_error=fail` a bad row makes the response a 422 that lists the faults of all rows, and nothing is scored.
    With `on_error=skip` the good rows are scored, a bad row has null instead of a prediction, and `errors` lists the
    faults. The response to a table is a table of the same type, with empty scores for bad rows, unless `Accept` names
    another type.

    With `reasons` each prediction says which features moved it most; a table has the columns `reason_1`,
    `reason_1_contribution`, `reason_2` and so on.

    A tensor model whose one input is a matrix takes `{"features": [[…], …]}`, rows of numbers.
    """
    sent, accepted = negotiate_formats()
    if sent is not None:
        return table_response(model_of_request(model, query.get("version")), sent, accepted, query)
    body = read_records(MEDIA_TYPES)
    try:
        vectors = read_vectors(body, model, query, "batch.batch_predict", current_app.config["MAX_BATCH_ROWS"])
        live_model = model_of_request(model, query.get("version")) if vectors is None else vectors.model
    except OtherKind as other:
        require_json_answer(accepted is None)
        return jsonify(predict_tensor_rows(other.card.name, query, body))
    if vectors is not None:
        require_json_answer(accepted is None)
        return jsonify(answer_vectors(vectors, query))
    _check_keep(query)
    batch = live_model.reader.read_many(body, current_app.config["MAX_BATCH_ROWS"])
    charge_rows(batch.sent)
    answer = predict(live_model, batch, options_of(live_model, query), many=True)
    if accepted is not None:
        columns = {name: _with_nulls(values, batch) for name, values in as_columns(answer).items()}
        columns |= _reason_columns(answer, batch, query)
        excel_safe = is_excel_safe(query, accepted)
        outside = sum(live_model.reader.outside_training.counts(batch.columns).values())
        unseen = len(batch.warnings) + batch.more_warnings - outside
        warned = {UNSEEN.name: unseen, OUTSIDE.name: outside}
        return columns_response(answer, columns, accepted, warned, excel_safe=excel_safe)
    predictions = _predictions(answer, batch, query["layout"])
    metadata = model_metadata(answer.model, answer.threshold, answer.seconds, answer.policy)
    if answer.explained is not None:
        metadata |= shared_members(answer.model, answer.explained)
    return jsonify({"predictions": predictions, "count": batch.sent} | metadata | _remarks(batch))


def _check_keep(query: dict[str, Any]) -> None:
    if query["keep"] != []:
        raise invalid(query_errors([Fault("not-valid", "Only a table has columns to keep.", path=("keep",))]))


def _predictions(answer: Answer, batch: Batch, layout: str) -> Any:
    predictions: Any
    if layout == COLUMNS:
        predictions = {name: _with_nulls(values, batch) for name, values in as_explained_columns(answer).items()}
        if answer.explained is None:
            return predictions
    else:
        predictions = _with_nulls(as_rows(answer), batch)
    # Its values are structs, which only msgspec writes.
    return orjson.Fragment(msgspec.json.encode(predictions))


def _reason_columns(answer: Answer, batch: Batch, query: dict[str, Any]) -> dict[str, Any]:
    """The columns of a table for the reasons that the query asks for."""
    if answer.explained is None:
        return {}
    # Imported here: a process that answers no tables needs no pyarrow.
    from churn_api.serving.reason_columns import reason_columns

    bad = np.ones(batch.sent, bool)
    bad[batch.positions] = False
    return reason_columns(answer.explained, query["reasons"], bad)


def _with_nulls(values: list[Any], batch: Batch) -> list[Any]:
    """Values of the good rows, with a null at the position of each bad row."""
    if len(values) == batch.sent:
        return values
    aligned: list[Any] = [None] * batch.sent
    for position, value in zip(batch.positions, values, strict=True):
        aligned[position] = value
    return aligned


def _remarks(batch: Batch) -> dict[str, Any]:
    """The members for faults of bad rows and warnings about good ones, without empty members."""
    remarks: dict[str, Any] = {
        "errors": body_errors(batch.faults),
        "more_errors": batch.more_faults,
        "warnings": body_errors(batch.warnings),
        "more_warnings": batch.more_warnings,
    }
    return {name: remark for name, remark in remarks.items() if remark}
