"""The route `/metrics`."""

from flask import Blueprint, Response, request

from churn_api.access.caller import OPS
from churn_api.web.core.app_metrics import metrics_of
from churn_api.web.core.operation import operation
from churn_api.web.core.request_record import current_request

blueprint = Blueprint("metrics", __name__)

TEXT = "text/plain"
EXAMPLE = '# TYPE churn_model_live gauge\nchurn_model_live{model="default",version="1"} 1.0\n'


@blueprint.get("/metrics")
@operation("Health", access=OPS, response=(TEXT,), id="getMetrics", example=EXAMPLE)
def metrics() -> Response:
    """Return the metrics of all workers.

    The format is Prometheus' text format, or OpenMetrics where `Accept` asks for it. Where `CHURN_METRICS_PORT` is set,
    the metrics are also served on that port.
    """
    app_metrics = metrics_of(current_request().app)
    app_metrics.start_process()
    app_metrics.update_models()
    text, media_type = app_metrics.exporter.generate_metrics(request.headers.get("Accept"))
    return Response(text, content_type=media_type)
