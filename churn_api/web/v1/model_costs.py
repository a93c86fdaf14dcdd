"""The routes of a model's costs: what a call costs and a kept customer is worth, from which the threshold follows."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS, WRITE_MODELS
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.auth import actor
from churn_api.web.core.body import Members
from churn_api.web.core.operation import operation
from churn_api.web.v1.shared.costs_json import costs_document, costs_of
from churn_api.web.v1.shared.costs_schemas import CostsBodySchema, CostsSchema

blueprint = Blueprint("model_costs", __name__)

_PROBLEMS = ("unknown-model", "other-kind-of-model", "model-not-ready")


@blueprint.get("/models/<model>/costs")
@operation(
    "Models",
    access=READ_MODELS,
    limit="management",
    response=CostsSchema,
    problems=_PROBLEMS,
    id="getModelCosts",
)
def show_costs(model: str) -> ResponseReturnValue:
    """Show what a call costs and a kept customer is worth, the threshold that follows, and earlier versions of both."""
    return jsonify(costs_document(model))


@blueprint.put("/models/<model>/costs")
@operation(
    "Models",
    access=WRITE_MODELS,
    limit="management",
    body=CostsBodySchema,
    response=CostsSchema,
    problems=_PROBLEMS,
    id="setModelCosts",
)
def set_costs(body: Members, model: str) -> ResponseReturnValue:
    """Set the costs of a model: predictions say churn from then on where a call gains more than it costs.

    Each call makes a version, whose number answers have as `policy`. A `threshold` in a request comes first; risk bands
    stay as they are. Where `value` names a feature, the threshold differs by customer, and a customer without that
    value is decided by the threshold of the model's card. All workers follow within two seconds.
    """
    costs = costs_of(body.values, live_models().files(model).card())
    services().management.set_costs(model, costs, by=actor())
    return jsonify(costs_document(model))


@blueprint.delete("/models/<model>/costs")
@operation(
    "Models",
    access=WRITE_MODELS,
    limit="management",
    response=CostsSchema,
    problems=(*_PROBLEMS, "conflict"),
    id="removeModelCosts",
)
def remove_costs(model: str) -> ResponseReturnValue:
    """Remove the costs of a model: the threshold of its card decides again. That is a version of the costs, too."""
    services().management.remove_costs(model, by=actor())
    return jsonify(costs_document(model))
