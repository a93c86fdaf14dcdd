"""Databricks model serving: MLflow's bodies and answers, with the model in the path."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from churn_api.access.caller import PREDICT
from churn_api.web.core.operation import operation
from churn_api.web.core.prediction_headers import PREDICTION_HEADERS
from churn_api.web.core.problems import WHEN_PREDICTING
from churn_api.web.protocols.shared.invocation import invoke
from churn_api.web.protocols.shared.invocation_document import ANSWERED_FILES, PredictionsSchema, describe_invocation
from churn_api.web.protocols.shared.mlflow_errors import protocol_like_mlflow

blueprint = Blueprint("databricks", __name__)


@blueprint.post("/serving-endpoints/<model>/invocations")
@operation(
    "Protocols",
    access=PREDICT,
    limit="predict",
    protocol=protocol_like_mlflow("databricks"),
    body=describe_invocation,
    response=PredictionsSchema,
    or_files=ANSWERED_FILES,
    problems=("unknown-model", *WHEN_PREDICTING, "malformed-table"),
    response_headers=PREDICTION_HEADERS,
    id="queryServingEndpoint",
)
def query(model: str) -> ResponseReturnValue:
    """Predict with a model, as Databricks' serving endpoints do."""
    return invoke(model)
