"""What models there are, and what each one is."""

from typing import Any

import msgspec
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api.registry.live import LiveModels
from churn_api.web.body import read_query, require_json_accepted
from churn_api.web.documented import documented
from churn_api.web.schemas import ModelDetail, ModelList, NoQuery
from churn_api.web.state import live_models

blueprint = Blueprint("models", __name__)
blueprint.before_request(require_json_accepted)

_QUERY = NoQuery()
_NOT_SHOWN = {"format", "name", "version", "golden", "files"}


@blueprint.get("/models")
@documented("Models", query=NoQuery, answer=ModelList, problems=("not-acceptable", "validation-failed"))
def list_models() -> ResponseReturnValue:
    """List the models, their versions, and which version is live."""
    read_query(_QUERY)
    live = live_models()
    return jsonify({"models": [_summary(live, name) for name in live.names], "count": len(live.names)})


@blueprint.get("/models/<model>")
@documented(
    "Models", query=NoQuery, answer=ModelDetail, problems=("unknown-model", "not-acceptable", "validation-failed")
)
def show_model(model: str) -> ResponseReturnValue:
    """Show a model: its card, its signature, its metrics, its versions."""
    read_query(_QUERY)
    live = live_models()
    return jsonify(_summary(live, model) | _card(live, model))


def _summary(live: LiveModels, name: str) -> dict[str, Any]:
    versions = live.versions(name)
    model = live.ready.get(name)
    summary = {
        "name": name,
        "versions": versions,
        "live": model.card.version if model else None,
        "ready": model is not None,
        "default": name == live.default,
    }
    return summary if model else summary | {"reason": live.refused[name]}


def _card(live: LiveModels, name: str) -> dict[str, Any]:
    """The live version's card, without what only loading needs."""
    model = live.ready.get(name)
    if model is None:
        return {}
    card: dict[str, Any] = msgspec.to_builtins(model.card)
    return {key: value for key, value in card.items() if key not in _NOT_SHOWN}
