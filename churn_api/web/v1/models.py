"""What models there are, what each one is, and which version of it answers."""

from typing import Any

import msgspec
from flask import Blueprint, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS, WRITE_MODELS
from churn_api.registry.live import LiveModels
from churn_api.registry.management import Management
from churn_api.web.core.body import read_json, read_query, read_upload, require_json_accepted
from churn_api.web.core.guard import actor
from churn_api.web.core.operation import documented
from churn_api.web.core.state import live_models, services
from churn_api.web.v1.schemas import LiveVersion, ModelDetail, ModelList, ModelPath, ModelSummary, NoQuery, Registered

blueprint = Blueprint("models", __name__)
blueprint.before_request(require_json_accepted)

_QUERY = NoQuery()
_LIVE = LiveVersion()
_PATH = ModelPath()
_NOT_SHOWN = {"format", "name", "version", "golden", "files"}
_BODY_PROBLEMS = ("malformed-json", "not-acceptable", "too-large", "unsupported-media-type", "validation-failed")


@blueprint.get("/models")
@documented(
    "Models",
    access=READ_MODELS,
    limit="management",
    query=NoQuery,
    answer=ModelList,
    problems=("not-acceptable", "validation-failed"),
)
def list_models() -> ResponseReturnValue:
    """List the models, their versions, and which version is live."""
    read_query(_QUERY)
    live = live_models()
    return jsonify({"models": [_summary(live, name) for name in live.names], "count": len(live.names)})


@blueprint.get("/models/<model>")
@documented(
    "Models",
    access=READ_MODELS,
    limit="management",
    query=NoQuery,
    answer=ModelDetail,
    problems=("unknown-model", "not-acceptable", "validation-failed"),
)
def show_model(model: str) -> ResponseReturnValue:
    """Show a model: its card, its signature, its metrics, its versions."""
    read_query(_QUERY)
    live = live_models()
    return jsonify(_summary(live, model) | _card(live, model))


@blueprint.put("/models/<model>/live")
@documented(
    "Models",
    access=WRITE_MODELS,
    limit="management",
    body=LiveVersion,
    answer=ModelSummary,
    problems=("unknown-model", "unknown-version", "model-not-ready", *_BODY_PROBLEMS),
)
def make_live(model: str) -> ResponseReturnValue:
    """Make a version live. The way back is the same call with the version before.

    The version is loaded and checked first; one that fails never becomes live. Every worker follows within two seconds.
    """
    version = read_json(_LIVE)["version"]
    _management().make_live(model, version, by=actor())
    return jsonify(_summary(live_models(), model))


@blueprint.post("/models")
@documented(
    "Models",
    access=WRITE_MODELS,
    limit="management",
    body=ModelPath,
    answer=Registered,
    status=201,
    problems=("unknown-version", "conflict", *_BODY_PROBLEMS),
)
def register() -> ResponseReturnValue:
    """Register a version: a bundle in the models folder, or one sent as a ZIP file in the part `bundle`.

    A bundle that is sent holds `card.json` and `model.onnx` and nothing else. The version is not live before
    `PUT /api/v1/models/<model>/live` says so.
    """
    if request.mimetype == "multipart/form-data":
        name, version = _management().upload(read_upload(ModelPath.part, _max_bytes()).read(), by=actor())
    else:
        name, version = _management().register(read_json(_PATH)["path"], by=actor())
    location = {"Location": url_for("models.show_model", model=name)}
    return jsonify({"name": name, "version": version}), 201, location


@blueprint.delete("/models/<model>")
@documented(
    "Models",
    access=WRITE_MODELS,
    limit="management",
    answer=ModelSummary,
    problems=("unknown-model", "conflict", "not-acceptable"),
)
def unload(model: str) -> ResponseReturnValue:
    """Have no version of a model answer. Its versions stay registered, and its files stay where they are."""
    _management().unload(model, by=actor())
    return jsonify(_summary(live_models(), model))


def _max_bytes() -> int:
    limit: int = current_app.config["MAX_BUNDLE_BYTES"]
    return limit


def _management() -> Management:
    return services().management


def _summary(live: LiveModels, name: str) -> dict[str, Any]:
    versions = live.versions(name)
    answering = live.answering.get(name)
    summary = {
        "name": name,
        "versions": versions,
        "live": answering.version if answering else None,
        "generation": answering.generation if answering else None,
        "ready": answering is not None,
        "default": name == live.default,
    }
    reason = live.refused.get(name)
    return summary | {"reason": reason} if reason else summary


def _card(live: LiveModels, name: str) -> dict[str, Any]:
    """The live version's card, without what only loading needs."""
    if name not in live.answering:
        return {}
    card: dict[str, Any] = msgspec.to_builtins(live.get(name).card)
    return {key: value for key, value in card.items() if key not in _NOT_SHOWN}
