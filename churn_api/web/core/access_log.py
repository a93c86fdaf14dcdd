"""The access log: one line for each request."""

import logging
from typing import Any

from flask import Flask

from churn_api.telemetry import logs
from churn_api.web.core.client_address import address_of
from churn_api.web.core.request_record import RequestRecord


class AccessLog:
    """An observer that logs each request when its response is sent, and adds the request id to lines logged before."""

    def __init__(self, app: Flask) -> None:
        self._trusted = tuple(app.config["TRUSTED_PROXIES"])
        self._slow_seconds = app.config["SLOW_REQUEST_MS"] / 1000

    def request_started(self, record: RequestRecord) -> None:
        """Add the request id and the trace to all lines that this request logs."""
        logs.bind_context({"request_id": record.request_id} | _trace(record))

    def request_finished(self, record: RequestRecord) -> None:
        """Log the request."""
        level = _level(record)
        if logs.wants(level):
            logs.log_event(level, "request", self._fields(record), record.failure)
        logs.bind_context(None)

    def _fields(self, record: RequestRecord) -> dict[str, Any]:
        """The fields that are known. The path and the user agent are left out, since clients may put data into them."""
        fields = {
            "request_id": record.request_id,
            "method": record.method,
            "route": record.route,
            "protocol": record.protocol,
            "status": record.status or None,
            "duration_ms": _milliseconds(record.seconds),
            "client": address_of(record.environ, self._trusted),
            "key": _key(record),
            "model": record.model,
            "version": record.version,
            "variant": record.variant,
            "rows": record.rows,
            "bad_rows": None if record.rows is None else record.bad_rows,
            "problem": record.problem,
            "bytes": record.sent_bytes,
        }
        known: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        if record.trace is not None:
            known |= _trace(record)
        if record.seconds >= self._slow_seconds:
            known["where"] = _where(record)
        if record.body is not None:
            known["records"] = record.body.decode(errors="replace")
        return known


def _key(record: RequestRecord) -> str | None:
    """The name of the key or token, never the key itself; None for anonymous callers."""
    caller = record.auth.caller
    return None if caller.is_anonymous else caller.name


def _level(record: RequestRecord) -> int:
    # No status: the request failed before it had a response.
    if not record.status or record.status >= 500:
        return logging.ERROR
    probe = record.operation is not None and record.operation.probe
    return logging.DEBUG if probe and record.status < 300 else logging.INFO


def _trace(record: RequestRecord) -> dict[str, str]:
    """The ids of the request's trace; empty without a trace."""
    trace = record.trace
    if trace is None:
        return {}
    ids = {"trace_id": trace.trace_id, "span_id": trace.span_id, "parent_id": trace.parent_id}
    return {name: value for name, value in ids.items() if value is not None}


def _where(record: RequestRecord) -> dict[str, float]:
    """How a slow request spent its time: reading the body, inference, and the rest. In milliseconds."""
    body, inference = record.body_seconds or 0.0, record.inference_seconds or 0.0
    return {
        "body_ms": _milliseconds(body),
        "inference_ms": _milliseconds(inference),
        "rest_ms": _milliseconds(max(0.0, record.seconds - body - inference)),
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
