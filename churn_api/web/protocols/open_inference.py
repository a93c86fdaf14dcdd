"""Version 2 of the Open Inference Protocol, which KServe, MLServer and Triton speak: records as tensors."""

from typing import Any

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields

from churn_api import __version__
from churn_api.access.caller import PREDICT
from churn_api.contract.record import InvalidRecord
from churn_api.registry.tensor_card import TensorCard
from churn_api.registry.tensor_model import TensorModel
from churn_api.web.core.app_services import live_models
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.health import require_ready
from churn_api.web.core.operation import operation
from churn_api.web.core.prediction_headers import PREDICTION_HEADERS
from churn_api.web.core.predictions import any_model_of_request
from churn_api.web.core.problems import WHEN_NOT_READY, WHEN_PREDICTING
from churn_api.web.core.query import JSON
from churn_api.web.core.request_record import request_id
from churn_api.web.protocols.shared.error_texts import protocol_with_error_text
from churn_api.web.protocols.shared.graph_inference import infer_tensors, tensor_metadata
from churn_api.web.protocols.shared.inference_body import JSON_LENGTH, read_inference_body
from churn_api.web.protocols.shared.inference_request import read_inference_request
from churn_api.web.protocols.shared.inference_response import BINARY, write_inference_response
from churn_api.web.protocols.shared.inference_schemas import (
    InferenceResponseSchema,
    ModelMetadataSchema,
    describe_inference,
)
from churn_api.web.protocols.shared.model_readiness import WHEN_MODEL_NOT_READY, ModelReadySchema, require_model_ready
from churn_api.web.protocols.shared.prediction_objects import model_headers
from churn_api.web.protocols.shared.prediction_tensors import input_metadata, output_metadata
from churn_api.web.protocols.shared.tensor_inference import infer_predictions, problem_of

blueprint = Blueprint("open_inference", __name__)

TAG = "Protocols"
V2 = protocol_with_error_text("v2")
PLATFORMS = {"onnx": "onnx_onnxv1", "sklearn": "sklearn_joblib"}
"""What the protocol calls the formats of models."""


class ServerMetadataSchema(Schema):
    """Response of /v2."""

    name = fields.String(required=True, metadata={"example": "churn-api"})
    version = fields.String(required=True, metadata={"example": __version__})
    extensions = fields.List(fields.String(), required=True, metadata={"example": [BINARY]})


class ServerLiveSchema(Schema):
    """Response of /v2/health/live."""

    live = fields.Boolean(required=True, metadata={"example": True})


class ServerReadySchema(ServerLiveSchema):
    """Response of /v2/health/ready."""

    ready = fields.Boolean(required=True, metadata={"example": True})


@blueprint.get("/v2")
@operation(TAG, access=PUBLIC, protocol=V2, response=ServerMetadataSchema, id="getV2Server")
def server() -> ResponseReturnValue:
    """Show the server's name and version, and the protocol's extensions that it has."""
    return jsonify({"name": "churn-api", "version": __version__, "extensions": [BINARY]})


@blueprint.get("/v2/health/live")
@operation(TAG, access=PUBLIC, protocol=V2, response=ServerLiveSchema, probe=True, id="getV2Live")
def server_live() -> ResponseReturnValue:
    """Return 200 while the process responds."""
    return jsonify({"live": True})


@blueprint.get("/v2/health/ready")
@operation(
    TAG, access=PUBLIC, protocol=V2, response=ServerReadySchema, problems=WHEN_NOT_READY, probe=True, id="getV2Ready"
)
def server_ready() -> ResponseReturnValue:
    """Return 200 while predictions can be made."""
    require_ready()
    return jsonify({"ready": True, "live": True})


@blueprint.get("/v2/models/<model>/versions/<version>/ready")
@blueprint.get("/v2/models/<model>/ready")
@operation(
    TAG,
    access=PUBLIC,
    protocol=V2,
    response=ModelReadySchema,
    problems=WHEN_MODEL_NOT_READY,
    probe=True,
    id="getV2ModelReady",
)
def model_ready(model: str, version: str | None = None) -> ResponseReturnValue:
    """Return 200 while predictions of a model can be made."""
    require_model_ready(model, version)
    return jsonify({"name": model, "ready": True})


@blueprint.get("/v2/models/<model>/versions/<version>")
@blueprint.get("/v2/models/<model>")
@operation(
    TAG,
    access=PREDICT,
    limit="management",
    protocol=V2,
    response=ModelMetadataSchema,
    problems=WHEN_PREDICTING,
    id="getV2Model",
)
def model_metadata(model: str, version: str | None = None) -> ResponseReturnValue:
    """Show a model's versions, inputs and outputs."""
    card = any_model_of_request(model, version).card
    tensors = (
        {"inputs": tensor_metadata(card.inputs), "outputs": tensor_metadata(card.outputs)}
        if isinstance(card, TensorCard)
        else {"inputs": input_metadata(card.signature), "outputs": output_metadata()}
    )
    known = {"name": card.name, "versions": live_models().versions(model), "platform": PLATFORMS[card.scorer]}
    return jsonify(known | tensors)


@blueprint.post("/v2/models/<model>/versions/<version>/infer")
@blueprint.post("/v2/models/<model>/infer")
@operation(
    TAG,
    access=PREDICT,
    limit="predict",
    protocol=V2,
    body=describe_inference,
    response=InferenceResponseSchema,
    problems=(*WHEN_PREDICTING, "bad-request", "not-computable", "gateway-timeout"),
    request_headers=(JSON_LENGTH,),
    response_headers=PREDICTION_HEADERS,
    id="inferV2",
)
def infer(model: str, version: str | None = None) -> ResponseReturnValue:
    """Predict for records in tensors: one input for each feature, with one element for each record.

    A tensor model takes its own inputs, by the types and shapes of its metadata, and returns its own outputs.

    Elements are in the JSON, or follow it in binary form: then the header `Inference-Header-Content-Length` has the
    length of the JSON, in the request and in the response. The body may be compressed by gzip or deflate.
    """
    live_model = any_model_of_request(model, version)
    body = read_inference_body()
    try:
        request = read_inference_request(body.payload, body.binary)
        if isinstance(live_model, TensorModel):
            outputs, headers = infer_tensors(live_model, request), model_headers(live_model)
            version = live_model.card.version
        else:
            outputs, headers, version = infer_predictions(live_model, request)
    except InvalidRecord as error:
        raise problem_of(error) from None
    sent_id = request_id() if request.id is None else request.id
    head: dict[str, Any] = {"model_name": live_model.card.name, "model_version": version, "id": sent_id}
    written = write_inference_response(head, outputs)
    if written.json_bytes is None:
        return Response(written.body, headers=headers, content_type=JSON)
    headers[JSON_LENGTH.name] = str(written.json_bytes)
    return Response(written.body, headers=headers, content_type="application/octet-stream")
