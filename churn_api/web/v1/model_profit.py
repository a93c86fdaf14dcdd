"""The route of a model's profit: what calling would gain with its costs."""

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS
from churn_api.monitoring.call_effect_reader import measured_effect
from churn_api.monitoring.live_calibration import live_calibration
from churn_api.monitoring.profit_document import NoProfit, profit_document
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import Problem
from churn_api.web.core.urls import route_template
from churn_api.web.v1.shared.profit_schemas import ProfitSchema
from churn_api.web.v1.shared.report_schemas import ReportQuerySchema

blueprint = Blueprint("model_profit", __name__)


@blueprint.get("/models/<model>/profit")
@operation(
    "Models",
    access=READ_MODELS,
    limit="management",
    query=ReportQuerySchema,
    response=ProfitSchema,
    problems=(
        "unknown-model",
        "unknown-version",
        "unknown-costs",
        "unknown-report",
        "other-kind-of-model",
        "model-not-ready",
    ),
    id="getModelProfit",
)
def show_profit(query: dict[str, Any], model: str) -> ResponseReturnValue:
    """Show what calling would gain with the costs in force, by threshold.

    It is measured on the customers of the evaluation, whom the model was not fitted on. `at` has the profit at the
    threshold of the costs, of the model's card, at one half, and at the best one in hindsight; `low` and `high` are for
    other shares of leavers that the offer may keep. `version` may be any registered version.
    """
    files = live_models().files(model, query.get("version"))
    card, in_force = files.card(), services().catalog.costs(model)
    if in_force is None:
        raise Problem("unknown-costs", f"PUT {route_template('model_costs.set_costs')} sets what a call costs.")
    try:
        effect = measured_effect(services().database, model)
        calibration = live_calibration(services().database, model, card.version)
        document = profit_document(card, files.report(), in_force, effect, calibration)
    except NoProfit as error:
        raise Problem("unknown-report", f"{error}.".capitalize()) from error
    return jsonify(document)
