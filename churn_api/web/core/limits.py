"""How often a caller may call: Flask-Limiter, with counters that all workers share."""

from math import ceil
from pathlib import Path
from time import time

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter, RateLimitExceeded, RequestLimit

from churn_api.access.counters import uri_of
from churn_api.web.core.client_address import client_address
from churn_api.web.core.declaration import Header
from churn_api.web.core.guard import caller
from churn_api.web.core.problems import Problem
from churn_api.web.core.request_record import current_request

STORAGE_SECONDS = 1
"""How long a storage that does not answer is waited for, before each process counts for itself."""

LIMIT = Header("RateLimit-Limit", "Calls that are allowed in a window of time.", "100")
REMAINING = Header("RateLimit-Remaining", "Calls of them that are left.", "99")
RESET = Header("RateLimit-Reset", "Seconds until the window is over.", "60")
LIMIT_HEADERS = (LIMIT, REMAINING, RESET)
"""Of every answer to a call that is counted."""

_RATES = {"predict": "RATELIMIT_PREDICT", "batch": "RATELIMIT_BATCH", "management": "RATELIMIT_MANAGEMENT"}
_EXTENSION = "churn_api_limiter"

ROWS = "batch rows"
"""What the limit of a batch's rows is called."""


def init_app(app: Flask) -> None:
    """Count every call of a view that says which limit it is under."""
    limiter = Limiter(
        _counted_as,
        application_limits=[_rate],
        application_limits_exempt_when=_is_exempt,
        storage_uri=_storage_uri(app),
        storage_options=_storage_options(app),
        in_memory_fallback_enabled=True,
        enabled=app.config["RATELIMIT_ENABLED"],
        swallow_errors=False,
    )
    limiter.init_app(app)
    app.extensions[_EXTENSION] = limiter
    if app.config["RATELIMIT_ENABLED"]:
        app.after_request(_tell)


def charge_rows(rows: int) -> None:
    """Count the rows of a batch, where that is configured. Raises RateLimitExceeded."""
    rate = current_app.config["RATELIMIT_BATCH_ROWS"]
    if rate and rows:
        limiter: Limiter = current_app.extensions[_EXTENSION]
        try:
            with limiter.limit(rate, key_func=lambda: f"rows:{_identity()}", cost=rows):
                pass
        except RateLimitExceeded:
            current_request().limit = ROWS
            raise


def rates(app: Flask) -> dict[str, str]:
    """The rates in force for callers that have none of their own; none where calls are not limited."""
    if not app.config["RATELIMIT_ENABLED"]:
        return {}
    rows = app.config["RATELIMIT_BATCH_ROWS"]
    return {name: app.config[setting] for name, setting in _RATES.items()} | ({ROWS: rows} if rows else {})


def rate_limited() -> Problem:
    """The problem of a caller that has called too often."""
    current = current_app.extensions[_EXTENSION].current_limit
    record = current_request()
    record.limit = record.limit or _limit()
    seconds = 1 if current is None else max(1, _seconds_until_reset(current))
    told = "" if current is None else f"The limit is {current.limit}. "
    return Problem("rate-limited", f"{told}Try again in {seconds} s.", headers={"Retry-After": str(seconds)})


def _seconds_until_reset(current: RequestLimit) -> int:
    return max(0, ceil(current.window.reset_time - time()))


def _storage_uri(app: Flask) -> str:
    configured = app.config["RATELIMIT_STORAGE_URI"] or app.config["REDIS_URL"]
    return str(configured) or uri_of(Path(app.config["INSTANCE_DIR"]) / "limits.db")


def _storage_options(app: Flask) -> dict[str, str | int]:
    if not _storage_uri(app).startswith("redis"):
        return {}
    return {"socket_connect_timeout": STORAGE_SECONDS, "socket_timeout": STORAGE_SECONDS}


def _is_exempt() -> bool:
    operation = current_request().operation
    return operation is None or operation.limit is None or request.method == "OPTIONS"


def _counted_as() -> str:
    record = current_request()
    if record.auth.denied or record.operation is None:
        return f"denied:{_identity()}"
    return f"{record.operation.limit}:{_identity()}"


def _identity() -> str:
    """The caller's own, else the address."""
    found = caller()
    return f"address:{client_address()}" if found.is_anonymous else found.identity


def _rate() -> str:
    """The caller's own rate, else the configured one. Attempts to get in are counted as management.

    Flask-Limiter asks of exempt calls too, and makes nothing of the answer.
    """
    rate: str = caller().rate or current_app.config[_RATES[_limit()]]
    return rate


def _limit() -> str:
    record = current_request()
    denied = record.auth.denied is not None
    return "management" if denied or record.operation is None else record.operation.limit or "management"


def _tell(response: Response) -> Response:
    """Tell, of what was counted, the limit, what is left of it, and when it begins anew (in seconds)."""
    current = current_app.extensions[_EXTENSION].current_limit
    if current is not None:
        response.headers[LIMIT.name] = str(current.limit.amount)
        response.headers[REMAINING.name] = str(max(0, current.remaining))
        response.headers[RESET.name] = str(_seconds_until_reset(current))
    return response
