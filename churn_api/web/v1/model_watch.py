"""The route of the watch on a model: whether its customers are still like those of the training rows."""

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS
from churn_api.monitoring.watch_document import watch_document
from churn_api.monitoring.watch_reader import NoBaseline, watch_version
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import Problem
from churn_api.web.v1.shared.watch_schemas import WatchQuerySchema, WatchSchema

blueprint = Blueprint("model_watch", __name__)


@blueprint.get("/models/<model>/watch")
@operation(
    "Models",
    access=READ_MODELS,
    limit="management",
    query=WatchQuerySchema,
    response=WatchSchema,
    problems=("unknown-model", "unknown-version", "unknown-baseline", "other-kind-of-model", "model-not-ready"),
    id="getModelWatch",
)
def show_watch(query: dict[str, Any], model: str) -> ResponseReturnValue:
    """Show whether predictions are still about customers like those that the model learned from.

    Requests, tables and jobs count, within seconds. Each window is compared with the training rows, feature by feature:
    `state` says whether they differ by more than chance, and by enough to matter. `version` may be any registered
    version; by default it is the live one.
    """
    card = live_models().files(model, query.get("version")).card()
    try:
        watch = watch_version(services().database, card, query["days"])
    except NoBaseline as error:
        raise Problem("unknown-baseline", f"The version cannot be watched: {error}.") from error
    return jsonify(watch_document(card, watch))
