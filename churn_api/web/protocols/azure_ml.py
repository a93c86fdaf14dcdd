"""Online endpoints of Azure ML: `/score`, with the records of a container of one's own or of an MLflow model."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from marshmallow import fields

from churn_api.access.caller import PREDICT
from churn_api.contract.example import example_record
from churn_api.contract.signature import Signature
from churn_api.registry.model import Model
from churn_api.serving.prediction_options import Options
from churn_api.web.core.declaration import ErrorContent, WireProtocol
from churn_api.web.core.operation import operation
from churn_api.web.core.prediction_headers import PREDICTION_HEADERS
from churn_api.web.core.predictions import model_of_request
from churn_api.web.core.problems import WHEN_PREDICTING
from churn_api.web.core.query import JSON
from churn_api.web.protocols.shared.error_members import error_members
from churn_api.web.protocols.shared.error_texts import ErrorTextSchema, error_text
from churn_api.web.protocols.shared.instances import (
    INPUTS,
    INSTANCES,
    describe_instances,
    one_of,
    read_object,
    sent_instances,
)
from churn_api.web.protocols.shared.invocation_document import SPLIT_SCHEMA, PredictionsSchema
from churn_api.web.protocols.shared.mlflow_records import listed_records, split_records
from churn_api.web.protocols.shared.parameters import options_at
from churn_api.web.protocols.shared.prediction_objects import predictions_response
from churn_api.web.protocols.shared.sent_records import SentRecords, predict_sent

blueprint = Blueprint("azure", __name__)

INPUT_DATA, PARAMS = "input_data", "params"
"""The members of a request to a model that Azure ML has from MLflow."""


class AzureErrorSchema(ErrorTextSchema):
    """An error, under the name of Azure ML's own server too."""

    message = fields.String(required=True)


def _error_body(error: ErrorContent) -> Mapping[str, Any]:
    text = error_text(error)
    return {"error": text, "message": text} | error_members(error)


AZURE = WireProtocol(name="azure", error_schema=AzureErrorSchema, error_body=_error_body)


def describe_score(record: dict[str, Any], signature: Signature | None, max_rows: int) -> dict[str, Any]:
    """The OpenAPI content of the body: that of `instances`, or `input_data`."""
    content = describe_instances(record, signature, max_rows)[JSON]
    schema = content["schema"]
    schema["properties"][INPUT_DATA] = {"oneOf": [schema["properties"][INSTANCES], SPLIT_SCHEMA]}
    schema["oneOf"].append({"required": [INPUT_DATA]})
    if signature is not None:
        known = example_record(signature)
        frame = {"columns": list(known), "index": [0], "data": [list(known.values())]}
        content["examples"][INPUT_DATA] = {"value": {INPUT_DATA: frame}}
    return {JSON: content}


@blueprint.post("/score")
@operation(
    "Protocols",
    access=PREDICT,
    limit="predict",
    protocol=AZURE,
    body=describe_score,
    response=PredictionsSchema,
    problems=WHEN_PREDICTING,
    response_headers=PREDICTION_HEADERS,
    id="scoreAzure",
)
def score() -> ResponseReturnValue:
    """Predict for records with the default model."""
    model = model_of_request(None)
    sent, options = _sent(model, read_object())
    return predictions_response(predict_sent(model, sent, options, ignore_unknown=False))


def _sent(model: Model, body: dict[str, Any]) -> tuple[SentRecords, Options]:
    if one_of(body, INSTANCES, INPUTS, INPUT_DATA) != INPUT_DATA:
        return sent_instances(model, body)
    read = split_records if isinstance(body[INPUT_DATA], dict) else listed_records
    sent = read(body[INPUT_DATA], INPUT_DATA, model.lenient_reader.names)
    return sent, options_at(model, body, PARAMS)
