"""The route of a model's explanation: what moves its predictions in general."""

from typing import Any

import msgspec
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS
from churn_api.web.core.app_services import live_models
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import Problem
from churn_api.web.v1.shared.explanation_schemas import ExplanationSchema
from churn_api.web.v1.shared.report_schemas import ReportQuerySchema

blueprint = Blueprint("model_explanation", __name__)


@blueprint.get("/models/<model>/explanation")
@operation(
    "Models",
    access=READ_MODELS,
    limit="management",
    query=ReportQuerySchema,
    response=ExplanationSchema,
    problems=("unknown-model", "unknown-version", "unknown-explanation", "other-kind-of-model", "model-not-ready"),
    id="getModelExplanation",
)
def show_explanation(query: dict[str, Any], model: str) -> ResponseReturnValue:
    """Show what moves a model's predictions: the mean over its training rows, and what each feature adds to it.

    Importance is the mean size of a feature's contributions over the training rows; for each range or category there is
    the mean contribution. They are facts about the model, not causes. `version` may be any registered version; by
    default it is the live one.
    """
    files = live_models().files(model, query.get("version"))
    card, explanation = files.card(), files.explanation()
    if explanation is None:
        why = card.reasons.why if card.reasons else None
        raise Problem("unknown-explanation", f"The version has no reasons{f': {why}' if why else ''}.")
    about = {"model_name": card.name, "model_version": card.version, "created_at": card.created_at}
    return jsonify(about | msgspec.to_builtins(explanation))
