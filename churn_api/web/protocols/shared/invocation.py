"""A request of `/invocations`, whatever its path: a body in one of MLflow's or SageMaker's forms -> predictions."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from churn_api.contract.example import example_record
from churn_api.contract.signature import Signature
from churn_api.web.core.openapi_schema import json_schema_of
from churn_api.web.core.predictions import model_of_request
from churn_api.web.core.query import JSON
from churn_api.web.protocols.shared.json_payload import read_payload, sent_type
from churn_api.web.protocols.shared.mlflow_records import mlflow_records
from churn_api.web.protocols.shared.parameters import ParametersSchema, options_at
from churn_api.web.protocols.shared.prediction_objects import PredictionObjectSchema, predictions_response
from churn_api.web.protocols.shared.sent_records import predict_sent

PARAMS = "params"


def invoke(name: str | None) -> Response:
    """Predict with a model for the records in the request's body. Raises Problem and what models raise."""
    model = model_of_request(name)
    sent_type()
    payload = read_payload()
    sent = mlflow_records(payload, model.lenient_reader.names)
    options = options_at(model, payload if isinstance(payload, dict) else {}, PARAMS)
    return predictions_response(predict_sent(model, sent, options, ignore_unknown=True))


class PredictionsSchema(Schema):
    """The predictions of the records, in their order."""

    predictions = fields.List(fields.Nested(PredictionObjectSchema), required=True)


def describe_invocation(record: dict[str, Any], signature: Signature | None, max_rows: int) -> dict[str, Any]:
    """The OpenAPI content of the body."""
    listed = {"type": "array", "minItems": 1, "maxItems": max_rows, "items": record}
    split = {"type": "object", "required": ["data"], "description": "A DataFrame, as `to_dict('split')` writes it."}
    forms = {"dataframe_split": split, "dataframe_records": listed, "instances": listed, "inputs": listed}
    schema = {
        "type": "object",
        "properties": forms | {PARAMS: {"oneOf": [json_schema_of(ParametersSchema), {"type": "null"}]}},
        "oneOf": [{"required": [form]} for form in forms],
    }
    return {JSON: {"schema": schema} | _examples(signature)}


def _examples(signature: Signature | None) -> dict[str, Any]:
    if signature is None:
        return {}
    record = example_record(signature)
    split = {"columns": list(record), "data": [list(record.values())]}
    shown: dict[str, Any] = {"dataframe_split": split, "dataframe_records": [record], "inputs": [record]}
    return {"examples": {form: {"value": {form: value}} for form, value in shown.items()}}
