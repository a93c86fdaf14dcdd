"""The routes that MLflow's scoring server and SageMaker's containers have in common: `/ping` and `/invocations`."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from churn_api.access.caller import PREDICT
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.health import require_ready
from churn_api.web.core.operation import operation
from churn_api.web.core.prediction_headers import PREDICTION_HEADERS
from churn_api.web.core.problems import WHEN_NOT_READY, WHEN_PREDICTING
from churn_api.web.protocols.shared.invocation import invoke
from churn_api.web.protocols.shared.invocation_answers import CUSTOM_ATTRIBUTES
from churn_api.web.protocols.shared.invocation_document import ANSWERED_FILES, PredictionsSchema, describe_invocation
from churn_api.web.protocols.shared.mlflow_errors import protocol_like_mlflow

blueprint = Blueprint("invocations", __name__)

INVOCATIONS = protocol_like_mlflow("invocations")


@blueprint.get("/ping")
@operation(
    "Protocols",
    access=PUBLIC,
    protocol=INVOCATIONS,
    response=("text/plain",),
    example="\n",
    problems=WHEN_NOT_READY,
    probe=True,
)
def ping() -> ResponseReturnValue:
    """Return 200 while predictions can be made."""
    require_ready()
    return Response("\n", content_type="text/plain; charset=utf-8")


@blueprint.post("/invocations")
@operation(
    "Protocols",
    access=PREDICT,
    limit="predict",
    protocol=INVOCATIONS,
    body=describe_invocation,
    response=PredictionsSchema,
    or_files=ANSWERED_FILES,
    problems=(*WHEN_PREDICTING, "malformed-table"),
    request_headers=(CUSTOM_ATTRIBUTES,),
    response_headers=PREDICTION_HEADERS,
    id="invoke",
)
def invocations() -> ResponseReturnValue:
    """Predict for the default model, as MLflow's scoring server and SageMaker's containers do."""
    return invoke(None)
