"""A line of the log for each request."""

import logging
from typing import Any

from flask import Flask

from churn_api.telemetry import logs
from churn_api.web.core.client_address import address_of
from churn_api.web.core.guard import ANYONE
from churn_api.web.core.request_record import Exchange

PROBES = frozenset({"/health/live", "/health/ready", "/health", "/api/v1/health"})
"""Routes that are asked every few seconds; that all is well there is no news."""


class AccessLog:
    """Writes the line when the answer is sent, and has what is logged meanwhile name the request."""

    def __init__(self, app: Flask) -> None:
        self._trusted = tuple(app.config["TRUSTED_PROXIES"])
        self._slow_seconds = app.config["SLOW_REQUEST_MS"] / 1000

    def began(self, exchange: Exchange) -> None:
        """Have every line name the request."""
        logs.concern({"request_id": exchange.request_id} | _trace(exchange))

    def ended(self, exchange: Exchange) -> None:
        """Write the request's line."""
        level = _level(exchange)
        if logs.wants(level):
            logs.tell(level, "request", self._fields(exchange), exchange.failure)
        logs.concern(None)

    def _fields(self, exchange: Exchange) -> dict[str, Any]:
        """What is known. Of the address only its template, and of the client no word: both could hold data."""
        fields = {
            "request_id": exchange.request_id,
            "method": exchange.method,
            "route": exchange.route,
            "status": exchange.status or None,
            "duration_ms": _milliseconds(exchange.seconds),
            "client": address_of(exchange.environ, self._trusted),
            "key": _key(exchange),
            "model": exchange.model,
            "version": exchange.version,
            "rows": exchange.rows,
            "bad_rows": None if exchange.rows is None else exchange.bad_rows,
            "problem": exchange.problem,
            "bytes": exchange.sent_bytes,
        }
        known: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        if exchange.trace is not None:
            known |= _trace(exchange)
        if exchange.seconds >= self._slow_seconds:
            known["where"] = _where(exchange)
        if exchange.body is not None:
            known["records"] = exchange.body.decode(errors="replace")
        return known


def _key(exchange: Exchange) -> str | None:
    """The name of the key or token, never the key; none where there was none."""
    visit = exchange.visit
    return None if visit is None or visit.caller is ANYONE else visit.caller.name


def _level(exchange: Exchange) -> int:
    # No status: the request was broken off before there was an answer.
    if not exchange.status or exchange.status >= 500:
        return logging.ERROR
    return logging.DEBUG if exchange.route in PROBES and exchange.status < 300 else logging.INFO


def _trace(exchange: Exchange) -> dict[str, str]:
    """The ids of the trace that the request belongs to; none where it belongs to none."""
    trace = exchange.trace
    if trace is None:
        return {}
    ids = {"trace_id": trace.trace_id, "span_id": trace.span_id, "parent_id": trace.parent_id}
    return {name: value for name, value in ids.items() if value is not None}


def _where(exchange: Exchange) -> dict[str, float]:
    """Where a slow request's time went: to its body's coming, to the model, and to all else."""
    body, inference = exchange.body_seconds or 0.0, exchange.inference_seconds or 0.0
    return {
        "body_ms": _milliseconds(body),
        "inference_ms": _milliseconds(inference),
        "rest_ms": _milliseconds(max(0.0, exchange.seconds - body - inference)),
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
