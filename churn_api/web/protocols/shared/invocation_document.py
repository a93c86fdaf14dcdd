"""`/invocations` in the OpenAPI document."""

from typing import Any

from marshmallow import Schema, fields

from churn_api.contract.example import example_record
from churn_api.contract.signature import Signature
from churn_api.scoring.output import PROBABILITY
from churn_api.web.core.openapi_schema import json_schema_of
from churn_api.web.core.output_schema import EXAMPLE_OUTPUT
from churn_api.web.core.query import JSON
from churn_api.web.protocols.shared.invocation import PARAMS
from churn_api.web.protocols.shared.invocation_answers import CSV
from churn_api.web.protocols.shared.parameters import ParametersSchema
from churn_api.web.protocols.shared.prediction_objects import PredictionObjectSchema

ANSWERED_FILES = {CSV: f"{EXAMPLE_OUTPUT[PROBABILITY.name]}\n"}
"""Types that `Accept` may ask for in place of JSON, with an example."""


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
