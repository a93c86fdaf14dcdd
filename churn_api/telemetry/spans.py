"""Spans of requests, sent to an OpenTelemetry collector. Needs the `otel` extra, and is imported only where one is."""

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
TRY_SECONDS = 3.0
"""How long one attempt to send spans may take; in a thread of its own."""
STOP_SECONDS = 2.0
"""How long a process that ends goes on beginning to send what is left."""
TELL_EVERY_SECONDS = 60.0

log = logging.getLogger(__name__)


class Spans:
    """The spans of each process that asks: the thread that sends them does not outlive a fork."""

    def __init__(self, endpoint: str) -> None:
        self._address = f"{endpoint.rstrip('/')}/v1/traces"
        self._pid = 0
        # The library tells of every attempt; what matters is told here.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    def begin(self, trace: Trace | None) -> Span:
        """A span of this request, below its caller's where there is one."""
        context = None if trace is None else set_span_in_context(NonRecordingSpan(_context_of(trace)))
        return self._own_tracer().start_span("request", context, SpanKind.SERVER)

    def _own_tracer(self) -> Tracer:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._tracer = self._start()
        return self._tracer

    def _start(self) -> Tracer:
        exporter = _Telling(OTLPSpanExporter(self._address, timeout=TRY_SECONDS))
        resource = Resource.create({"service.name": SERVICE, "service.version": __version__})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        self._stop = partial(_stop, os.getpid(), provider, exporter)
        atexit.register(self._stop)
        return provider.get_tracer(__name__, __version__)

    def close(self) -> None:
        """Send what is left, and end the thread that sends."""
        if self._pid == os.getpid():
            atexit.unregister(self._stop)
            self._pid = 0
            self._stop()


def trace_of(span: Span, before: Trace | None) -> Trace:
    """Where a span stands."""
    context = span.get_span_context()
    parent = None if before is None else before.parent_id
    return Trace(f"{context.trace_id:032x}", parent, f"{context.span_id:016x}", sampled=context.trace_flags.sampled)


def end(span: Span, name: str, attributes: Mapping[str, str | int | None], *, failed: bool) -> None:
    """Finish a span under its name; what is None is not known."""
    if span.is_recording():
        span.update_name(name)
        span.set_attributes({key: value for key, value in attributes.items() if value is not None})
        if failed:
            span.set_status(StatusCode.ERROR)
    span.end()


def _context_of(trace: Trace) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if trace.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(trace.trace_id, 16), int(trace.parent_id or "0", 16), is_remote=True, trace_flags=flags)


def _stop(pid: int, provider: TracerProvider, exporter: "_Telling") -> None:
    """Send what is left; what a collector that is away would take longer for is lost."""
    if pid == os.getpid():
        exporter.end_within(STOP_SECONDS)
        provider.shutdown()


class _Telling(SpanExporter):
    """Sends by another exporter, and says in the log that it cannot, once a minute at most."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._tell_at = 0.0
        self._until = float("inf")

    def end_within(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if monotonic() > self._until:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS and monotonic() >= self._tell_at:
            self._tell_at = monotonic() + TELL_EVERY_SECONDS
            log.warning("the collector at OTLP_ENDPOINT takes no spans; they are lost, and requests go on")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
