"""The metrics of all workers as a response."""

from flask import Response, request

from churn_api.web.core.app_metrics import metrics_of
from churn_api.web.core.request_record import current_request

TEXT = "text/plain"
EXAMPLE = '# TYPE churn_model_live gauge\nchurn_model_live{model="default",version="1"} 1.0\n'


def metrics_response() -> Response:
    """Prometheus' text format, or OpenMetrics where `Accept` asks for it."""
    app_metrics = metrics_of(current_request().app)
    app_metrics.start_process()
    app_metrics.update_models()
    text, media_type = app_metrics.exporter.generate_metrics(request.headers.get("Accept"))
    return Response(text, content_type=media_type)
