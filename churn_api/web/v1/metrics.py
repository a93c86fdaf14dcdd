"""The metrics of every worker, on a route."""

from flask import Blueprint, Response, request

from churn_api.access.caller import OPS
from churn_api.web.core.metrics import metrics_of
from churn_api.web.core.operation import operation
from churn_api.web.core.request_record import current_request

blueprint = Blueprint("metrics", __name__)

TEXT = "text/plain"
EXAMPLE = '# TYPE churn_model_live gauge\nchurn_model_live{model="default",version="1"} 1.0\n'


@blueprint.get("/metrics")
@operation("Health", access=OPS, answer=(TEXT,), id="getMetrics", example=EXAMPLE)
def metrics() -> Response:
    """Answer the metrics of every worker.

    In the text format of Prometheus, or in OpenMetrics where `Accept` asks for it. They are served on a port of their
    own besides, where `CHURN_METRICS_PORT` names one.
    """
    found = metrics_of(current_request().app)
    found.begin()
    found.tell()
    text, media_type = found.exporter.generate_metrics(request.headers.get("Accept"))
    return Response(text, content_type=media_type)
