"""The route that MLflow's scoring server alone has: `/version`. See invocations.py for the others."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from churn_api import __version__
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.operation import operation
from churn_api.web.protocols.shared.mlflow_errors import protocol_like_mlflow

blueprint = Blueprint("mlflow", __name__)


@blueprint.get("/version")
@operation(
    "Protocols",
    access=PUBLIC,
    protocol=protocol_like_mlflow("mlflow"),
    response=("text/plain",),
    example=__version__,
    id="getVersion",
)
def version() -> ResponseReturnValue:
    """Return the version of this service as plain text."""
    return Response(__version__, content_type="text/plain; charset=utf-8")
