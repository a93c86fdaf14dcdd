"""Which trace a request belongs to, and its span where spans are exported."""

from typing import TYPE_CHECKING

from flask import Flask

from churn_api.telemetry.traceparent import read_traceparent
from churn_api.telemetry.traces import spans_to
from churn_api.web.core.access_log import PROBES
from churn_api.web.core.request_record import Exchange

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_KEY = "churn_api.span"


class Traces:
    """Takes over the caller's `traceparent`, and has the exchange say where it stands."""

    def __init__(self, app: Flask) -> None:
        self._spans = spans_to(app.config["OTLP_ENDPOINT"])

    def began(self, exchange: Exchange) -> None:
        """Note the trace that the request belongs to, and begin its span; probes would drown the others."""
        header = exchange.environ.get("HTTP_TRACEPARENT")
        trace = read_traceparent(header) if header else None
        if self._spans is not None and exchange.environ.get("PATH_INFO") not in PROBES:
            from churn_api.telemetry.spans import trace_of

            span = exchange.environ[_KEY] = self._spans.begin(trace)
            trace = trace_of(span, trace)
        exchange.trace = trace

    def ended(self, exchange: Exchange) -> None:
        """Finish the span."""
        span = exchange.environ.get(_KEY)
        if span is not None:
            _end(span, exchange)


def _end(span: "Span", exchange: Exchange) -> None:
    """Finish a span by the semantic conventions of HTTP, without the address and the agent: they could hold data."""
    from churn_api.telemetry.spans import end

    failed = not exchange.status or exchange.status >= 500
    kind = type(exchange.failure).__qualname__ if exchange.failure is not None else str(exchange.status)
    attributes = {
        "http.request.method": exchange.method,
        "http.route": exchange.route,
        "http.response.status_code": exchange.status or None,
        "url.scheme": exchange.environ.get("wsgi.url_scheme"),
        "error.type": kind if failed else None,
        "churn.request_id": exchange.request_id,
        "churn.model": exchange.model,
        "churn.model.version": exchange.version,
        "churn.rows": exchange.rows,
        "churn.problem": exchange.problem,
    }
    end(span, f"{exchange.method} {exchange.route or ''}".strip(), attributes, failed=failed)
