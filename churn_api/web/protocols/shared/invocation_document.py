"""`/invocations` in the OpenAPI document."""

from typing import Any

import orjson
from marshmallow import Schema, fields

from churn_api.contract.example import example_record
from churn_api.contract.signature import Signature
from churn_api.scoring.output import PROBABILITY
from churn_api.tables.formats import CSV, PARQUET
from churn_api.web.core.openapi_schema import csv_example, json_schema_of
from churn_api.web.core.output_schema import EXAMPLE_OUTPUT
from churn_api.web.core.query import JSON
from churn_api.web.protocols.shared.invocation import PARAMS
from churn_api.web.protocols.shared.invocation_answers import JSON_LINES
from churn_api.web.protocols.shared.parameters import ParametersSchema
from churn_api.web.protocols.shared.prediction_objects import PredictionObjectSchema

ANSWERED_FILES = {
    CSV.media_type: f"{EXAMPLE_OUTPUT[PROBABILITY.name]}\n",
    JSON_LINES: orjson.dumps(EXAMPLE_OUTPUT).decode() + "\n",
}
"""Types that `Accept` may ask for in place of JSON, with an example."""


class PredictionsSchema(Schema):
    """The predictions of the records, in their order."""

    predictions = fields.List(fields.Nested(PredictionObjectSchema), required=True)


_LIST: dict[str, Any] = {"type": "array", "items": {}}
SPLIT_SCHEMA = {
    "type": "object",
    "description": "A DataFrame, as `to_dict('split')` writes it.",
    "properties": {
        "columns": {"type": "array", "items": {"type": "string"}, "description": "Without it, rows are by position."},
        "index": _LIST,
        "data": {"type": "array", "items": _LIST},
    },
    "required": ["data"],
    "additionalProperties": False,
}


def describe_invocation(record: dict[str, Any], signature: Signature | None, max_rows: int) -> dict[str, Any]:
    """The OpenAPI content of the body."""
    listed = {"type": "array", "minItems": 1, "maxItems": max_rows, "items": record}
    forms = {"dataframe_split": SPLIT_SCHEMA, "dataframe_records": listed, "instances": listed, "inputs": listed}
    schema = {
        "type": "object",
        "properties": forms | {PARAMS: {"oneOf": [json_schema_of(ParametersSchema), {"type": "null"}]}},
        "oneOf": [{"required": [form]} for form in forms],
    }
    return {JSON: {"schema": schema} | _examples(signature)} | _files(signature)


def _files(signature: Signature | None) -> dict[str, Any]:
    """Tables and lines as bodies."""
    if signature is None:
        return {}
    row = example_record(signature)
    words = f"{PARQUET.content}, with the columns of a record."
    return {
        CSV.media_type: _text("CSV, with a header or without.", csv_example([row])),
        JSON_LINES: _text("A record in each line.", orjson.dumps(row).decode() + "\n"),
        PARQUET.media_type: {"schema": {"type": "string", "format": "binary", "description": words}},
    }


def _text(description: str, example: str) -> dict[str, Any]:
    return {"schema": {"type": "string", "description": description}, "example": example}


def _examples(signature: Signature | None) -> dict[str, Any]:
    if signature is None:
        return {}
    record = example_record(signature)
    split = {"columns": list(record), "data": [list(record.values())]}
    shown: dict[str, Any] = {"dataframe_split": split, "dataframe_records": [record], "inputs": [record]}
    return {"examples": {form: {"value": {form: value}} for form, value in shown.items()}}
