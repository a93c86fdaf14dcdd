"""Distributed tracing: the request's trace context, and its span where spans are exported."""

from typing import TYPE_CHECKING

from churn_api.telemetry.traceparent import read_traceparent
from churn_api.telemetry.traces import spans_to
from churn_api.web.core.application_close import on_close
from churn_api.web.core.flask_app import Api
from churn_api.web.core.request_record import RequestRecord

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_KEY = "churn_api.span"


class RequestTracing:
    """An observer that reads the caller's `traceparent`, and exports a span for each request."""

    def __init__(self, app: Api) -> None:
        self._app = app
        self._spans = spans_to(app.config["OTLP_ENDPOINT"])
        if self._spans is not None:
            on_close(app, self._spans.close)

    def request_started(self, record: RequestRecord) -> None:
        """Record the trace context, and start a span. Probes get none: they would outnumber other requests."""
        header = record.environ.get("HTTP_TRACEPARENT")
        trace = read_traceparent(header) if header else None
        if self._spans is not None and record.environ.get("PATH_INFO") not in self._app.probes:
            from churn_api.telemetry.spans import trace_of

            span = record.environ[_KEY] = self._spans.begin(trace)
            trace = trace_of(span, trace)
        record.trace = trace

    def request_finished(self, record: RequestRecord) -> None:
        """End the span."""
        span = record.environ.get(_KEY)
        if span is not None:
            _end(span, record)


def _end(span: "Span", record: RequestRecord) -> None:
    """End a span with the HTTP semantic conventions' attributes, without path and user agent, which may hold data."""
    from churn_api.telemetry.spans import end

    failed = not record.status or record.status >= 500
    kind = type(record.failure).__qualname__ if record.failure is not None else str(record.status)
    attributes = {
        "http.request.method": record.method,
        "http.route": record.route,
        "http.response.status_code": record.status or None,
        "url.scheme": record.environ.get("wsgi.url_scheme"),
        "error.type": kind if failed else None,
        "churn.request_id": record.request_id,
        "churn.model": record.model,
        "churn.model.version": record.version,
        "churn.rows": record.rows,
        "churn.problem": record.problem,
    }
    end(span, f"{record.method} {record.route or ''}".strip(), attributes, failed=failed)
