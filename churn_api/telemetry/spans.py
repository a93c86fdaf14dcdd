"""Spans of requests, exported to an OpenTelemetry collector. Needs the `otel` extra; imported only where it is used."""

import atexit
import logging
import os
from collections.abc import Mapping, Sequence
from functools import partial
from time import monotonic

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from churn_api import __version__
from churn_api.telemetry.traceparent import Trace

SERVICE = "churn-api"
EXPORT_SECONDS = 3.0
"""Timeout of one export, which runs in a separate thread."""
STOP_SECONDS = 2.0
"""How long a process that ends keeps starting exports of the remaining spans."""
LOG_EVERY_SECONDS = 60.0

log = logging.getLogger(__name__)


class Spans:
    """Creates and exports spans. Each process starts its own exporting thread: threads do not survive a fork."""

    def __init__(self, endpoint: str) -> None:
        self._address = f"{endpoint.rstrip('/')}/v1/traces"
        self._pid = 0
        # The library logs every failed export; _LoggingExporter logs once a minute.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    def begin(self, trace: Trace | None) -> Span:
        """Start the span of a request, as a child of the caller's span where there is one."""
        context = None if trace is None else set_span_in_context(NonRecordingSpan(_context_of(trace)))
        return self._own_tracer().start_span("request", context, SpanKind.SERVER)

    def _own_tracer(self) -> Tracer:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._tracer = self._start()
        return self._tracer

    def _start(self) -> Tracer:
        exporter = _LoggingExporter(OTLPSpanExporter(self._address, timeout=EXPORT_SECONDS))
        resource = Resource.create({"service.name": SERVICE, "service.version": __version__})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        self._stop = partial(_stop, os.getpid(), provider, exporter)
        atexit.register(self._stop)
        return provider.get_tracer(__name__, __version__)

    def close(self) -> None:
        """Export the remaining spans, and stop the exporting thread."""
        if self._pid == os.getpid():
            atexit.unregister(self._stop)
            self._pid = 0
            self._stop()


def trace_of(span: Span, before: Trace | None) -> Trace:
    """The trace of a span."""
    context = span.get_span_context()
    parent = None if before is None else before.parent_id
    return Trace(f"{context.trace_id:032x}", parent, f"{context.span_id:016x}", sampled=context.trace_flags.sampled)


def end(span: Span, name: str, attributes: Mapping[str, str | int | None], *, failed: bool) -> None:
    """Name and end a span; attributes that are None are omitted."""
    if span.is_recording():
        span.update_name(name)
        span.set_attributes({key: value for key, value in attributes.items() if value is not None})
        if failed:
            span.set_status(StatusCode.ERROR)
    span.end()


def _context_of(trace: Trace) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if trace.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(trace.trace_id, 16), int(trace.parent_id or "0", 16), is_remote=True, trace_flags=flags)


def _stop(pid: int, provider: TracerProvider, exporter: "_LoggingExporter") -> None:
    """Export the remaining spans; those that take longer are lost."""
    if pid == os.getpid():
        exporter.end_within(STOP_SECONDS)
        provider.shutdown()


class _LoggingExporter(SpanExporter):
    """Wraps an exporter, and logs its failures at most once a minute."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._log_at = 0.0
        self._until = float("inf")

    def end_within(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if monotonic() > self._until:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS and monotonic() >= self._log_at:
            self._log_at = monotonic() + LOG_EVERY_SECONDS
            log.warning("the collector at OTLP_ENDPOINT does not accept spans; they are lost")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
