"""Older addresses of models: `/models/load`, `/models/<model>/info`, and PUT of `/models/<model>`."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS, WRITE_MODELS
from churn_api.contract.faults import Fault
from churn_api.registry.management import Unusable
from churn_api.web import API_V1
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.auth import actor
from churn_api.web.core.body import Members
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import Problem, body_errors, invalid
from churn_api.web.protocols.shared.older_schemas import LoadedModelSchema, LoadModelSchema
from churn_api.web.v1.shared.model_json import model_detail, model_summary
from churn_api.web.v1.shared.model_schemas import LiveVersionSchema, ModelDetailSchema, ModelSummarySchema

blueprint = Blueprint("older_models", __name__, url_prefix=f"{API_V1}/models")


@blueprint.post("/load")
@operation(
    "Older addresses",
    access=WRITE_MODELS,
    limit="management",
    body=LoadModelSchema,
    response=LoadedModelSchema,
    problems=("unknown-version", "conflict", "model-not-ready"),
    id="loadModel",
    successor="models.register",
)
def load(body: Members) -> ResponseReturnValue:
    """Register a bundle of the models folder, and make it live.

    The same in two steps: register the version, then make it live.
    """
    name, _, version = body.values["model_path"].partition("/")
    if body.values["model_name"] != name:
        raise _unusable("model_name", "Must be the bundle's name, with which `model_path` begins.")
    try:
        services().management.make_bundle_live(name, version, by=actor())
    except Unusable as error:
        raise _unusable("model_path", f"{error}.") from error
    return jsonify({"model_name": name, "status": "loaded"} | model_summary(live_models(), name))


@blueprint.get("/<model>/info")
@operation(
    "Older addresses",
    access=READ_MODELS,
    limit="management",
    response=ModelDetailSchema,
    problems=("unknown-model",),
    id="getModelInfo",
    successor="models.show_model",
)
def info(model: str) -> ResponseReturnValue:
    """Show a model: its card, its signature, its metrics, its versions."""
    return jsonify(model_detail(live_models(), model))


@blueprint.put("/<model>")
@operation(
    "Older addresses",
    access=WRITE_MODELS,
    limit="management",
    body=LiveVersionSchema,
    response=ModelSummarySchema,
    problems=("unknown-model", "unknown-version", "conflict", "model-not-ready"),
    id="updateModel",
    successor="models.make_live",
)
def update(body: Members, model: str) -> ResponseReturnValue:
    """Make a version live."""
    services().management.make_live(model, body.values["version"], by=actor())
    return jsonify(model_summary(live_models(), model))


def _unusable(member: str, message: str) -> Problem:
    return invalid(body_errors([Fault("unusable", message, path=(member,))]))
