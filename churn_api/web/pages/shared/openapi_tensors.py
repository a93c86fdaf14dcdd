"""Tensor models in the OpenAPI document: what predictions take and answer in addition, where such models are live."""

from typing import Any

from marshmallow import Schema

from churn_api.registry.tensor_card import TensorCard
from churn_api.scoring.tensor_spec import TensorSpec
from churn_api.serving.image_pixels import IMAGE_TYPES
from churn_api.web.core.body import FORM
from churn_api.web.core.query import JSON
from churn_api.web.pages.shared.openapi_file import FILE
from churn_api.web.pages.shared.openapi_route import Route
from churn_api.web.v1.shared.tensor_forms import FEATURES, MODEL_NAME, PART, WITH_PROBABILITIES


def with_tensors(route: Route, record: dict[str, Any]) -> dict[str, Any]:
    """The content of a request body: `record` is that of a customer's record in JSON."""
    cards = _cards(route)
    rows = [_row(card.matrix) for card in cards if card.matrix is not None]
    json = record | ({"schema": {"anyOf": [record["schema"], *rows]}} if rows else {})
    return {JSON: json} | ({FORM: _image_form()} if any(card.image for card in cards) else {})


def response_schema(route: Route, of_customers: type[Schema]) -> Any:
    """The schema of a response: of either kind of model where tensor models may answer."""
    return {"anyOf": [of_customers, route.operation.tensors]} if _cards(route) else of_customers


def _cards(route: Route) -> list[TensorCard]:
    return [] if route.operation.tensors is None else route.models.tensor_models(named=route.names_model)


def _row(matrix: TensorSpec) -> dict[str, Any]:
    columns = matrix.shape[1]
    numbers = {"type": "number" if matrix.is_float else "integer"}
    return {
        "type": "object",
        "description": "A row of numbers, for a tensor model.",
        "required": [FEATURES],
        "properties": {
            FEATURES: {"type": "array", "items": numbers, "minItems": columns, "maxItems": columns},
            MODEL_NAME: {"type": "string"},
            WITH_PROBABILITIES: {"type": "boolean", "default": True},
        },
        "additionalProperties": False,
    }


def _image_form() -> dict[str, Any]:
    described = FILE | {"description": "An image, for a tensor model that takes images."}
    schema = {"type": "object", "required": [PART], "properties": {PART: described}, "additionalProperties": False}
    encoding = {PART: {"contentType": ", ".join(IMAGE_TYPES)}}
    return {"schema": schema, "encoding": encoding, "example": {PART: "(the bytes of an image)"}}
