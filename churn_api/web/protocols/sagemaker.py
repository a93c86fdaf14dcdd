"""What SageMaker needs in addition to invocations.py: the parameters of batch transform, and its runtime's route."""

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from churn_api.access.caller import PREDICT
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.operation import operation
from churn_api.web.core.prediction_headers import PREDICTION_HEADERS
from churn_api.web.core.problems import WHEN_PREDICTING
from churn_api.web.protocols.shared.invocation import invoke
from churn_api.web.protocols.shared.invocation_answers import CUSTOM_ATTRIBUTES
from churn_api.web.protocols.shared.invocation_document import ANSWERED_FILES, PredictionsSchema, describe_invocation
from churn_api.web.protocols.shared.mlflow_errors import protocol_like_mlflow

blueprint = Blueprint("sagemaker", __name__)

SAGEMAKER = protocol_like_mlflow("sagemaker")
_MIB = 1 << 20


class ExecutionParametersSchema(Schema):
    """How batch transform may send its requests."""

    MaxConcurrentTransforms = fields.Integer(required=True)
    BatchStrategy = fields.String(required=True, metadata={"example": "MULTI_RECORD"})
    MaxPayloadInMB = fields.Integer(required=True)


@blueprint.get("/execution-parameters")
@operation("Protocols", access=PUBLIC, protocol=SAGEMAKER, response=ExecutionParametersSchema)
def execution_parameters() -> ResponseReturnValue:
    """Return how batch transform may send its requests: as many at once as there are workers."""
    config = current_app.config
    return jsonify(
        {
            "MaxConcurrentTransforms": config["WEB_CONCURRENCY"],
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": max(1, config["MAX_CONTENT_LENGTH"] // _MIB),
        }
    )


@blueprint.post("/endpoints/<model>/invocations")
@operation(
    "Protocols",
    access=PREDICT,
    limit="predict",
    protocol=SAGEMAKER,
    body=describe_invocation,
    response=PredictionsSchema,
    or_files=ANSWERED_FILES,
    problems=("unknown-model", *WHEN_PREDICTING, "malformed-table"),
    request_headers=(CUSTOM_ATTRIBUTES,),
    response_headers=PREDICTION_HEADERS,
    id="invokeEndpoint",
)
def invoke_endpoint(model: str) -> ResponseReturnValue:
    """Predict with a model, as SageMaker's runtime does."""
    return invoke(model)
