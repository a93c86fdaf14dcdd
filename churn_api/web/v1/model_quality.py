"""The route of a model's live quality: how good its predictions were, once it is known what became of customers."""

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import READ_MODELS
from churn_api.monitoring.quality_document import quality_document
from churn_api.monitoring.version_facts import facts_of_versions
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.operation import operation
from churn_api.web.v1.shared.quality_schemas import QualityQuerySchema, QualitySchema

blueprint = Blueprint("model_quality", __name__)


@blueprint.get("/models/<model>/quality")
@operation(
    "Models",
    access=READ_MODELS,
    limit="management",
    query=QualityQuerySchema,
    response=QualitySchema,
    problems=("unknown-model", "other-kind-of-model", "model-not-ready"),
    id="getModelQuality",
)
def show_quality(query: dict[str, Any], model: str) -> ResponseReturnValue:
    """Show how good predictions were, by version, variant and window, from the outcomes that were reported.

    A prediction counts when its horizon has passed before the day up to which outcomes are complete, and if it is the
    first of a version for its customer in a period of that length. Customers whom the company called are apart.
    `advice` says what is missing.
    """
    live_models().files(model).card()
    entry = services().catalog.read()[model]
    facts = facts_of_versions(services().models_dir, model, entry)
    return jsonify(quality_document(services().database, model, facts, entry.live, query.get("days")))
