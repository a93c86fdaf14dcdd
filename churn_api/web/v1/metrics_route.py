"""The route `/metrics`."""

from flask import Blueprint, Response

from churn_api.access.caller import OPS
from churn_api.web.core.operation import operation
from churn_api.web.v1.shared.metrics_text import EXAMPLE, TEXT, metrics_response

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@operation("Health", access=OPS, response=(TEXT,), id="getMetrics", example=EXAMPLE)
def metrics() -> Response:
    """Return the metrics of all workers.

    The format is Prometheus' text format, or OpenMetrics where `Accept` asks for it. Where `CHURN_METRICS_PORT` is set,
    the metrics are also served on that port.
    """
    return metrics_response()
