"""The Open Inference Protocol in the OpenAPI document."""

from typing import Any

from marshmallow import Schema, fields

from churn_api.contract.example import example_record
from churn_api.contract.signature import Signature
from churn_api.scoring.output import PROBABILITY
from churn_api.web.core.openapi_schema import json_schema_of
from churn_api.web.core.output_schema import EXAMPLE_OUTPUT
from churn_api.web.core.query import JSON
from churn_api.web.protocols.shared.parameters import ParametersSchema
from churn_api.web.protocols.shared.prediction_tensors import input_metadata, output_metadata
from churn_api.web.protocols.shared.tensor_datatypes import DATATYPES, FP64


class TensorMetadataSchema(Schema):
    """An input or an output of a model."""

    name = fields.String(required=True, metadata={"example": PROBABILITY.name})
    datatype = fields.String(required=True, metadata={"enum": list(DATATYPES), "example": FP64})
    shape = fields.List(
        fields.Integer(), required=True, metadata={"description": "-1 stands for any number.", "example": [1]}
    )


class ModelMetadataSchema(Schema):
    """Metadata of a model."""

    name = fields.String(required=True, metadata={"example": "default"})
    versions = fields.List(fields.String(), required=True, metadata={"example": ["1"]})
    platform = fields.String(required=True, metadata={"example": "onnx_onnxv1"})
    inputs = fields.List(fields.Nested(TensorMetadataSchema), required=True)
    outputs = fields.List(fields.Nested(TensorMetadataSchema), required=True, metadata={"example": output_metadata()})


class TensorSchema(TensorMetadataSchema):
    """A tensor with its elements, or with the size of its binary form."""

    data = fields.List(fields.Raw(), metadata={"example": [EXAMPLE_OUTPUT[PROBABILITY.name]]})
    parameters = fields.Dict()


class InferenceResponseSchema(Schema):
    """Predictions as tensors."""

    model_name = fields.String(required=True)
    model_version = fields.String(required=True)
    id = fields.String(required=True, metadata={"description": "As sent; the request's id where none was sent."})
    outputs = fields.List(fields.Nested(TensorSchema), required=True)


def describe_inference(record: dict[str, Any], signature: Signature | None, max_rows: int) -> dict[str, Any]:
    """The OpenAPI content of the body."""
    tensor = json_schema_of(TensorSchema)
    output = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    parameters = {"oneOf": [json_schema_of(ParametersSchema), {"type": "null"}]}
    members = {
        "id": {"type": ["string", "null"]},
        "inputs": {"type": "array", "minItems": 1, "items": tensor},
        "outputs": {"type": ["array", "null"], "items": output},
        "parameters": parameters,
    }
    schema = {"type": "object", "required": ["inputs"], "properties": members}
    shown = {"examples": {"json": {"value": _example(signature)}}} if signature is not None else {}
    described = "The JSON, and behind it the elements of binary tensors, little-endian, in the order of the inputs."
    binary = {"schema": {"type": "string", "format": "binary", "description": described}}
    return {JSON: {"schema": schema} | shown, "application/octet-stream": binary}


def _example(signature: Signature) -> dict[str, Any]:
    """A request with one record."""
    record = example_record(signature)
    return {
        "inputs": [
            {"name": entry["name"], "shape": [1], "datatype": entry["datatype"], "data": [record[entry["name"]]]}
            for entry in input_metadata(signature)
            if record.get(entry["name"]) is not None
        ]
    }
