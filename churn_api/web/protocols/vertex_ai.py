"""Vertex AI: the routes that its environment names in a container, and the address of its own client."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, jsonify
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue, RouteCallable
from marshmallow import fields
from werkzeug.exceptions import HTTPException

from churn_api.access.caller import PREDICT
from churn_api.web.core.declaration import PUBLIC, ErrorContent, WireProtocol
from churn_api.web.core.health import require_ready
from churn_api.web.core.operation import operation
from churn_api.web.core.prediction_headers import PREDICTION_HEADERS
from churn_api.web.core.predictions import model_of_request
from churn_api.web.core.problems import WHEN_NOT_READY, WHEN_PREDICTING
from churn_api.web.core.schemas import ErrorMembersSchema, QuerySchema, StatusSchema
from churn_api.web.protocols.shared.error_members import error_members
from churn_api.web.protocols.shared.error_texts import error_text, protocol_with_error_text
from churn_api.web.protocols.shared.instances import (
    describe_instances,
    read_object,
    sent_instances,
)
from churn_api.web.protocols.shared.invocation_document import PredictionsSchema
from churn_api.web.protocols.shared.prediction_objects import predictions_response
from churn_api.web.protocols.shared.sent_records import predict_sent

blueprint = Blueprint("vertex", __name__)

TAG = "Protocols"
CONTAINER = protocol_with_error_text("vertex")
HEALTH_ROUTE, PREDICT_ROUTE = "AIP_HEALTH_ROUTE", "AIP_PREDICT_ROUTE"
"""The settings with the routes of a container."""
_STATUSES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


class GoogleErrorSchema(ErrorMembersSchema):
    """An error as Google's clients read it."""

    error = fields.Dict(required=True, metadata={"description": "`code`, `message` and `status`."})


class GoogleQuerySchema(QuerySchema):
    """The query string of Google's client: it asks for a form of JSON that is the only one here."""

    alt = fields.String(data_key="$alt", metadata={"description": "Has no effect."})


def _google_error(error: ErrorContent) -> Mapping[str, Any]:
    status = _STATUSES.get(error.status, "INVALID_ARGUMENT" if error.status < 500 else "INTERNAL")
    return {"error": {"code": error.status, "message": error_text(error), "status": status}} | error_members(error)


ENDPOINT = WireProtocol(name="vertex", error_schema=GoogleErrorSchema, error_body=_google_error)


@blueprint.post("/v1/projects/<project>/locations/<location>/endpoints/<model>:predict")
@operation(
    TAG,
    access=PREDICT,
    limit="predict",
    protocol=ENDPOINT,
    query=GoogleQuerySchema,
    body=describe_instances,
    response=PredictionsSchema,
    problems=WHEN_PREDICTING,
    response_headers=PREDICTION_HEADERS,
    id="predictVertexEndpoint",
)
def predict_endpoint(query: dict[str, Any], project: str, location: str, model: str) -> ResponseReturnValue:
    """Predict for records, as Google's PredictionServiceClient asks: the endpoint is the name of a model."""
    return _predict(model)


@operation(TAG, access=PUBLIC, protocol=CONTAINER, response=StatusSchema, problems=WHEN_NOT_READY, probe=True)
def vertex_health() -> ResponseReturnValue:
    """Return 200 while predictions can be made. Vertex AI names this route."""
    require_ready()
    return jsonify({"status": "ready"})


@operation(
    TAG,
    access=PREDICT,
    limit="predict",
    protocol=CONTAINER,
    body=describe_instances,
    response=PredictionsSchema,
    problems=WHEN_PREDICTING,
    response_headers=PREDICTION_HEADERS,
)
def vertex_predict() -> ResponseReturnValue:
    """Predict for records with the default model. Vertex AI names this route."""
    return _predict(None)


def _predict(name: str | None) -> ResponseReturnValue:
    model = model_of_request(name)
    sent, options = sent_instances(model, read_object())
    return predictions_response(predict_sent(model, sent, options, ignore_unknown=False))


@blueprint.record
def _add_routes_of_container(state: BlueprintSetupState) -> None:
    """Add the routes that the environment names, unless the application has them: those of KServe may be named."""
    _add_route(state, HEALTH_ROUTE, "GET", vertex_health)
    _add_route(state, PREDICT_ROUTE, "POST", vertex_predict)


def _add_route(state: BlueprintSetupState, setting: str, method: str, view: RouteCallable) -> None:
    route: str = state.app.config[setting]
    if not route:
        return
    try:
        state.app.url_map.bind("").match(route, method)
    except HTTPException:
        state.add_url_rule(route, view_func=view, methods=[method])
