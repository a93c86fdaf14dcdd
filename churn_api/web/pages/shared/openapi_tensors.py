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


def with_tensors(route: Route, of_customers: dict[str, Any]) -> dict[str, Any]:
    """The content of a request body: `of_customers` is that of one customer, or of many, in JSON."""
    cards, forms = _cards(route), route.operation.takes_forms
    rows = [_body(card.matrix, many=not forms) for card in cards if card.matrix is not None]
    json = of_customers | ({"schema": {"anyOf": [of_customers["schema"], *rows]}} if rows else {})
    return {JSON: json} | ({FORM: _image_form()} if forms and any(card.image for card in cards) else {})


def response_schema(route: Route, of_customers: type[Schema]) -> Any:
    """The schema of a response: of either kind of model where tensor models may answer."""
    return {"anyOf": [of_customers, route.operation.tensors]} if _cards(route) else of_customers


def _cards(route: Route) -> list[TensorCard]:
    return [] if route.operation.tensors is None else route.models.tensor_models(named=route.names_model)


def _body(matrix: TensorSpec, *, many: bool) -> dict[str, Any]:
    columns = matrix.shape[1]
    number = {"type": "number" if matrix.is_float else "integer"}
    row = {"type": "array", "items": number, "minItems": columns, "maxItems": columns}
    return {
        "type": "object",
        "description": "Numbers, for a tensor model.",
        "required": [FEATURES],
        "properties": {
            FEATURES: {"type": "array", "items": row, "minItems": 1} if many else row,
            MODEL_NAME: {"type": "string"},
            WITH_PROBABILITIES: {"type": "boolean"},
        },
        "additionalProperties": False,
    }


def _image_form() -> dict[str, Any]:
    described = FILE | {"description": "An image, for a tensor model that takes images."}
    schema = {"type": "object", "required": [PART], "properties": {PART: described}, "additionalProperties": False}
    encoding = {PART: {"contentType": ", ".join(IMAGE_TYPES)}}
    return {"schema": schema, "encoding": encoding, "example": {PART: "(the bytes of an image)"}}
