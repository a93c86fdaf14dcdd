"""The first protocol of KServe: records as objects, or as rows of values."""

import msgspec
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from churn_api.access.caller import PREDICT
from churn_api.registry.model_errors import NoReasons
from churn_api.web.core.app_services import live_models
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.operation import operation
from churn_api.web.core.prediction_headers import PREDICTION_HEADERS
from churn_api.web.core.predictions import model_of_request
from churn_api.web.core.problems import WHEN_PREDICTING, Problem
from churn_api.web.protocols.shared.error_texts import protocol_with_error_text
from churn_api.web.protocols.shared.explanation_objects import explanation_objects
from churn_api.web.protocols.shared.instances import (
    describe_instances,
    read_object,
    sent_instances,
)
from churn_api.web.protocols.shared.invocation_document import PredictionsSchema
from churn_api.web.protocols.shared.model_readiness import WHEN_MODEL_NOT_READY, ModelReadySchema, require_model_ready
from churn_api.web.protocols.shared.prediction_objects import (
    answer_response,
    output_columns,
    prediction_objects,
    predictions_response,
)
from churn_api.web.protocols.shared.sent_records import predict_sent

blueprint = Blueprint("kserve", __name__)

TAG = "Protocols"
KSERVE = protocol_with_error_text("kserve")
DEFAULT_REASONS = 5
"""Reasons of each explanation, where the client names no number."""


class ModelNamesSchema(Schema):
    """Response of /v1/models."""

    models = fields.List(fields.String(), required=True, metadata={"example": ["default"]})


class ExplanationListSchema(PredictionsSchema):
    """The predictions of the records and the reasons for each, in the order of the records."""

    explanations = fields.List(fields.Dict(), required=True)


@blueprint.get("/v1/models")
@operation(TAG, access=PREDICT, limit="management", protocol=KSERVE, response=ModelNamesSchema, id="listV1Models")
def model_names() -> ResponseReturnValue:
    """List the names of the models that answer."""
    return jsonify({"models": sorted(live_models().served)})


@blueprint.get("/v1/models/<model>")
@operation(
    TAG,
    access=PUBLIC,
    protocol=KSERVE,
    response=ModelReadySchema,
    problems=WHEN_MODEL_NOT_READY,
    probe=True,
    id="getV1ModelReady",
)
def model_ready(model: str) -> ResponseReturnValue:
    """Return 200 while predictions of a model can be made."""
    require_model_ready(model)
    return jsonify({"name": model, "ready": True})


@blueprint.post("/v1/models/<model>:predict")
@operation(
    TAG,
    access=PREDICT,
    limit="predict",
    protocol=KSERVE,
    body=describe_instances,
    response=PredictionsSchema,
    problems=WHEN_PREDICTING,
    response_headers=PREDICTION_HEADERS,
    id="predictV1",
)
def predict(model: str) -> ResponseReturnValue:
    """Predict for records: objects, or values in the order of the model's features."""
    live_model = model_of_request(model)
    sent, options = sent_instances(live_model, read_object())
    return predictions_response(predict_sent(live_model, sent, options, ignore_unknown=False))


@blueprint.post("/v1/models/<model>:explain")
@operation(
    TAG,
    access=PREDICT,
    limit="predict",
    protocol=KSERVE,
    body=describe_instances,
    response=ExplanationListSchema,
    problems=(*WHEN_PREDICTING, "unknown-explanation"),
    response_headers=PREDICTION_HEADERS,
    id="explainV1",
)
def explain(model: str) -> ResponseReturnValue:
    """Predict for records, and say which features moved each prediction most: five, or as many as `reasons` says."""
    live_model = model_of_request(model)
    try:
        live_model.explainer()
    except NoReasons as error:
        raise Problem("unknown-explanation", f"This version of the model gives no reasons: {error}.") from error
    sent, options = sent_instances(live_model, read_object())
    options = options._replace(reasons=options.reasons or DEFAULT_REASONS)
    answer = predict_sent(live_model, sent, options, ignore_unknown=False)
    predictions = prediction_objects(output_columns(answer._replace(explained=None)))
    return answer_response(
        answer, msgspec.json.encode({"predictions": predictions, "explanations": explanation_objects(answer)})
    )
