"""Models: routes that list, show, register, make live and unload them."""

from flask import Blueprint, jsonify, url_for
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS, WRITE_MODELS
from churn_api.registry.management import Management
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.auth import actor
from churn_api.web.core.body import Members
from churn_api.web.core.operation import operation
from churn_api.web.core.response_headers import LOCATION
from churn_api.web.v1.shared.model_json import model_detail, model_summary
from churn_api.web.v1.shared.model_schemas import (
    LiveVersionSchema,
    ModelDetailSchema,
    ModelListSchema,
    ModelPathSchema,
    ModelSummarySchema,
    RegisteredSchema,
)

blueprint = Blueprint("models", __name__)


@blueprint.get("/models")
@operation(
    "Models",
    access=READ_MODELS,
    limit="management",
    response=ModelListSchema,
)
def list_models() -> ResponseReturnValue:
    """List the models, their versions, and which version is live."""
    live = live_models()
    return jsonify({"models": [model_summary(live, name) for name in live.names], "count": len(live.names)})


@blueprint.get("/models/<model>")
@operation(
    "Models",
    access=READ_MODELS,
    limit="management",
    response=ModelDetailSchema,
    problems=("unknown-model",),
    id="getModel",
)
def show_model(model: str) -> ResponseReturnValue:
    """Show a model: its card, its signature, its metrics, its versions."""
    return jsonify(model_detail(live_models(), model))


@blueprint.put("/models/<model>/live")
@operation(
    "Models",
    access=WRITE_MODELS,
    limit="management",
    body=LiveVersionSchema,
    response=ModelSummarySchema,
    problems=("unknown-model", "unknown-version", "model-not-ready"),
    id="makeModelLive",
)
def make_live(body: Members, model: str) -> ResponseReturnValue:
    """Make a version live. A rollback is the same call with the previous version.

    The version is loaded and checked first; if that fails, nothing changes. All workers switch within two seconds.
    """
    _management().make_live(model, body.values["version"], by=actor())
    return jsonify(model_summary(live_models(), model))


@blueprint.post("/models")
@operation(
    "Models",
    access=WRITE_MODELS,
    limit="management",
    body=ModelPathSchema,
    response=RegisteredSchema,
    status=201,
    problems=("unknown-version", "conflict"),
    id="registerModel",
    response_headers=(LOCATION,),
)
def register(body: Members) -> ResponseReturnValue:
    """Register a version: a bundle in the models folder, or an uploaded ZIP file in the part `bundle`.

    An uploaded bundle has `card.json`, `model.onnx`, perhaps `reasons.onnx`, `explanation.json` and `report.json`, and
    no other file. Registering does not make the version live.
    """
    if body.file is not None:
        name, version = _management().upload(body.file.read(), by=actor())
    else:
        name, version = _management().register(body.values["path"], by=actor())
    location = {LOCATION.name: url_for("models.show_model", model=name)}
    return jsonify({"name": name, "version": version}), 201, location


@blueprint.delete("/models/<model>")
@operation(
    "Models",
    access=WRITE_MODELS,
    limit="management",
    response=ModelSummarySchema,
    problems=("unknown-model", "conflict"),
    id="unloadModel",
)
def unload(model: str) -> ResponseReturnValue:
    """Unload a model: none of its versions is live then. Its versions stay registered, and its files stay."""
    _management().unload(model, by=actor())
    return jsonify(model_summary(live_models(), model))


def _management() -> Management:
    return services().management
