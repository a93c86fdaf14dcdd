"""The older address of the metrics: `/metrics`."""

from flask import Blueprint, Response

from churn_api.access.caller import OPS
from churn_api.web.core.operation import operation
from churn_api.web.v1.shared.metrics_text import EXAMPLE, TEXT, metrics_response

blueprint = Blueprint("older_metrics", __name__)


@blueprint.get("/metrics")
@operation(
    "Older addresses",
    access=OPS,
    response=(TEXT,),
    id="getOlderMetrics",
    example=EXAMPLE,
    successor="metrics.metrics",
)
def metrics() -> Response:
    """Return the metrics of all workers."""
    return metrics_response()
