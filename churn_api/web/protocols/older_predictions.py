"""Older addresses of predictions: `/predict/single` and `/predict`."""

from typing import Any

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import PREDICT
from churn_api.registry.model_errors import OtherKind
from churn_api.scoring.output import PREDICTION, PROBABILITY
from churn_api.web.core.body import read_record_or_form, read_records
from churn_api.web.core.operation import operation
from churn_api.web.core.predictions import as_columns, as_record, model_of_request, predict
from churn_api.web.core.problems import WHEN_PREDICTING
from churn_api.web.core.rate_limits import charge_rows
from churn_api.web.protocols.shared.older_schemas import (
    OLDER_MEMBERS,
    OlderPredictionSchema,
    OlderPredictionsSchema,
    OlderQuerySchema,
)
from churn_api.web.v1.shared.batch_options import options_of
from churn_api.web.v1.shared.tensor_prediction_schema import TensorPredictionSchema
from churn_api.web.v1.shared.tensor_predictions import predict_tensor

blueprint = Blueprint("older_predictions", __name__)


@blueprint.post("/predict/single")
@operation(
    "Older addresses",
    access=PREDICT,
    limit="predict",
    body="record",
    query=OlderQuerySchema,
    response=OlderPredictionSchema,
    problems=WHEN_PREDICTING,
    id="predictSingle",
    successor="predict.predict",
)
def single(query: dict[str, Any], body: bytes) -> ResponseReturnValue:
    """Score one customer, with a short answer."""
    model = model_of_request(None, query.get("version"))
    record = as_record(predict(model, model.reader.read_one(body), options_of(model, query), many=False))
    return {member: record[member] for member in OLDER_MEMBERS}


@blueprint.post("/predict")
@operation(
    "Older addresses",
    access=PREDICT,
    limit="batch",
    body="customers",
    query=OlderQuerySchema,
    response=OlderPredictionsSchema,
    tensors=TensorPredictionSchema,
    problems=WHEN_PREDICTING,
    id="predictCustomers",
    successor="batch.batch_predict",
)
def customers(query: dict[str, Any]) -> ResponseReturnValue:
    """Score many customers. Predictions and probabilities have the order of the customers.

    Where the default model is a tensor model, it takes what `/predict` below `/api/v1` takes, an image among that.
    """
    try:
        model = model_of_request(None, query.get("version"))
    except OtherKind as other:
        return predict_tensor(None, query, read_record_or_form()) | {"model": other.card.name}
    batch = model.reader.read_many(read_records(), current_app.config["MAX_BATCH_ROWS"])
    charge_rows(batch.sent)
    answer = predict(model, batch, options_of(model, query), many=True)
    columns = as_columns(answer)
    return jsonify(
        {
            "success": True,
            "predictions": columns[PREDICTION.name],
            "probabilities": columns[PROBABILITY.name],
            "threshold": answer.threshold,
            "model_version": answer.model.card.version,
        }
    )
