"""Requests with `instances` or `inputs`, and `parameters`: those of KServe's first protocol, Vertex AI and Azure ML."""

from typing import Any

from churn_api.contract.example import example_record
from churn_api.contract.signature import Signature
from churn_api.registry.model import Model
from churn_api.serving.prediction_options import Options
from churn_api.web.core.openapi_schema import json_schema_of
from churn_api.web.core.query import JSON
from churn_api.web.protocols.shared.json_payload import malformed, read_payload, require_object, sent_type
from churn_api.web.protocols.shared.mlflow_records import listed_records
from churn_api.web.protocols.shared.parameters import ParametersSchema, options_at
from churn_api.web.protocols.shared.sent_records import SentRecords

INSTANCES, INPUTS, PARAMETERS = "instances", "inputs", "parameters"


def read_object() -> dict[str, Any]:
    """Read the body of the request, an object. Raises Problem, TooManyValues or orjson.JSONDecodeError."""
    sent_type()
    return require_object(read_payload())


def one_of(body: dict[str, Any], *forms: str) -> str:
    """The one member of a body that has the records. Raises Problem where there is none, or another one."""
    sent = [form for form in forms if form in body]
    if len(sent) != 1:
        raise malformed(f"The body must have exactly one of {', '.join(forms)}.")
    return sent[0]


def sent_instances(model: Model, body: dict[str, Any]) -> tuple[SentRecords, Options]:
    """The records of a body, objects or values by position, and its options. Raises Problem."""
    form = one_of(body, INSTANCES, INPUTS)
    sent = listed_records(body[form], form, model.lenient_reader.names)
    return sent, options_at(model, body, PARAMETERS)


def describe_instances(record: dict[str, Any], signature: Signature | None, max_rows: int) -> dict[str, Any]:
    """The OpenAPI content of the body."""
    listed = {"type": "array", "minItems": 1, "maxItems": max_rows, "items": record}
    schema = {
        "type": "object",
        "properties": {
            INSTANCES: listed,
            INPUTS: listed,
            PARAMETERS: {"oneOf": [json_schema_of(ParametersSchema), {"type": "null"}]},
        },
        "oneOf": [{"required": [INSTANCES]}, {"required": [INPUTS]}],
    }
    if signature is None:
        return {JSON: {"schema": schema}}
    record = example_record(signature)
    return {JSON: {"schema": schema, "examples": {form: {"value": {form: [record]}} for form in (INSTANCES, INPUTS)}}}
