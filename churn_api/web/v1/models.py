"""Models: routes that list, show, register, make live and unload them."""

from typing import Any

import msgspec
from flask import Blueprint, jsonify, url_for
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS, WRITE_MODELS
from churn_api.registry.live import LiveModels
from churn_api.registry.management import Management
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.auth import actor
from churn_api.web.core.body import Members
from churn_api.web.core.operation import operation
from churn_api.web.core.response_headers import LOCATION
from churn_api.web.v1.shared.model_schemas import (
    LiveVersionSchema,
    ModelDetailSchema,
    ModelListSchema,
    ModelPathSchema,
    ModelSummarySchema,
    RegisteredSchema,
)

blueprint = Blueprint("models", __name__)
_NOT_SHOWN = {"format", "name", "version", "golden", "files", "golden_rows", "contributions"}


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
    return jsonify({"models": [_summary(live, name) for name in live.names], "count": len(live.names)})


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
    live = live_models()
    return jsonify(_summary(live, model) | _card(live, model))


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
    return jsonify(_summary(live_models(), model))


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
    return jsonify(_summary(live_models(), model))


def _management() -> Management:
    return services().management


def _summary(live: LiveModels, name: str) -> dict[str, Any]:
    versions = live.versions(name)
    answering = live.served.get(name)
    summary = {
        "name": name,
        "versions": versions,
        "live": answering.version if answering else None,
        "generation": answering.generation if answering else None,
        "ready": answering is not None,
        "default": name == live.default,
    }
    texts = {"reason": live.load_errors.get(name), "without_reasons": live.without_reasons.get(name)}
    return summary | {member: text for member, text in texts.items() if text}


def _card(live: LiveModels, name: str) -> dict[str, Any]:
    """The live version's card, without the fields that only loading needs."""
    if name not in live.served:
        return {}
    card: dict[str, Any] = msgspec.to_builtins(live.card(name))
    reasons = card.pop("reasons") or {}
    shown = {key: value for key, value in card.items() if key not in _NOT_SHOWN}
    return shown | {"reasons": {key: value for key, value in reasons.items() if key not in _NOT_SHOWN} or None}
