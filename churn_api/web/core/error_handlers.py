"""Flask's error handlers: each exception becomes one problem response (RFC 9457)."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from churn_api.web.core import input_error_handlers, resource_error_handlers, server_error_handlers
from churn_api.web.core.problems import KINDS, Problem, response_for
from churn_api.web.core.rate_limits import rate_limited
from churn_api.web.core.request_record import current_request

_BY_STATUS = {400: "bad-request", 404: "not-found", 415: "unsupported-media-type", 416: "range-not-satisfiable"}


def init_app(app: Flask) -> None:
    """Register the error handlers of an application."""
    for handlers in (
        HANDLERS,
        input_error_handlers.HANDLERS,
        resource_error_handlers.HANDLERS,
        server_error_handlers.HANDLERS,
    ):
        for exception, handler in handlers.items():
            app.register_error_handler(exception, handler)


def _rate_limited(_: RateLimitExceeded) -> Response:
    return response_for(rate_limited())


def _method_not_allowed(error: MethodNotAllowed) -> Response:
    methods = sorted(error.valid_methods or ())
    record = current_request()
    operation = record.app.operation_at(request.path, methods[0])
    if operation is not None and (operation.protocol is not None or operation.successor):
        # What answers at the path decides the form of the error.
        record.operation = operation
    allowed = ", ".join(methods)
    return response_for(Problem("method-not-allowed", f"Allowed: {allowed}.", headers={"Allow": allowed}))


def _http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return Response(status=error.code, headers=error.get_headers())
    code = _BY_STATUS.get(error.code, "bad-request" if error.code < 500 else "internal-error")
    return response_for(Problem(code, f"{KINDS[code].title}."))


HANDLERS: dict[type[Exception], Callable[[Any], Response]] = {
    Problem: response_for,
    RateLimitExceeded: _rate_limited,
    MethodNotAllowed: _method_not_allowed,
    HTTPException: _http_error,
}
