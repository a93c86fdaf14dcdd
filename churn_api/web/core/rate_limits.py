"""How often a caller may call: Flask-Limiter, with counters that all workers share."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from pathlib import Path
from time import time

from flask import Flask

from churn_api.access.file_counters import uri_of
from churn_api.access.redis_counters import SCHEMES, counters_uri
from churn_api.web.core.cleanup import on_close
from churn_api.web.core.client_address import address_of
from churn_api.web.core.declaration import Header
from churn_api.web.core.problems import Problem
from churn_api.web.core.rate_limiter import DeclaredLimiter, LimitExceeded, RateCount
from churn_api.web.core.request_record import RequestRecord, current_request

IPV6_PREFIX = 64
"""Bits of an IPv6 address that tell callers apart: one customer of a provider has all addresses below."""

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
    """Make an application able to count calls, where it is to."""
    if not app.config["RATELIMIT_ENABLED"]:
        return
    limiter = DeclaredLimiter(str, storage_uri=_storage_uri(app), swallow_errors=False)
    limiter.init_app(app)
    app.extensions[_EXTENSION] = limiter
    on_close(app, limiter.close)


def count_call(record: RequestRecord) -> None:
    """Count a call of a view that says which limit it is under. Raises RateLimitExceeded.

    One that is denied is counted apart, as management: whoever tries keys is stopped, and takes from nobody's own.
    """
    operation = record.operation
    if operation is None or operation.limit is None or record.environ["REQUEST_METHOD"] == "OPTIONS":
        return
    name = "management" if record.auth.denied is not None else operation.limit
    counted = "denied" if record.auth.denied is not None else name
    # The caller's own rate, else the configured one.
    rate: str = record.auth.caller.rate or record.app.config[_RATES[name]]
    _hit(record, name, rate, f"{counted}:{_identity(record)}")


def charge_rows(rows: int) -> None:
    """Count the rows of a batch, where that is configured. Raises RateLimitExceeded."""
    record = current_request()
    rate = record.app.config["RATELIMIT_BATCH_ROWS"]
    if rate and rows and record.app.config["RATELIMIT_ENABLED"]:
        _hit(record, ROWS, rate, f"rows:{_identity(record)}", rows)


def rates(app: Flask) -> dict[str, str]:
    """The rates in force for callers that have none of their own; none where calls are not limited."""
    if not app.config["RATELIMIT_ENABLED"]:
        return {}
    rows = app.config["RATELIMIT_BATCH_ROWS"]
    return {name: app.config[setting] for name, setting in _RATES.items()} | ({ROWS: rows} if rows else {})


def rate_limited() -> Problem:
    """The problem of a caller that has called too often."""
    count = current_request().rate_count
    if count is None:  # a limit that a team put on a view of its own
        return Problem("rate-limited", "Try again later.", headers={"Retry-After": "1"})
    seconds = max(1, _seconds_left(count))
    detail = f"The limit is {count.item}. Try again in {seconds} s."
    return Problem("rate-limited", detail, headers={"Retry-After": str(seconds)})


def rate_headers(count: RateCount) -> list[tuple[str, str]]:
    """What an answer says of the limit, what is left of it, and when it begins anew, in seconds."""
    return [
        (LIMIT.name, str(count.item.amount)),
        (REMAINING.name, str(count.remaining)),
        (RESET.name, str(_seconds_left(count))),
    ]


def _hit(record: RequestRecord, name: str, rate: str, counted_as: str, cost: int = 1) -> None:
    limiter: DeclaredLimiter = record.app.extensions[_EXTENSION]
    try:
        record.rate_count = limiter.hit(rate, counted_as, cost)
    except LimitExceeded as error:
        record.rate_count, record.limit = error.count, name
        raise


def _seconds_left(count: RateCount) -> int:
    return max(0, ceil(count.resets_at - time()))


def _storage_uri(app: Flask) -> str:
    uri = str(app.config["RATELIMIT_STORAGE_URI"] or app.config["REDIS_URL"])
    if not uri:
        return uri_of(Path(app.config["INSTANCE_DIR"]) / "limits.counters")
    return counters_uri(uri) if uri.partition("://")[0] in SCHEMES else uri


def _identity(record: RequestRecord) -> str:
    """The caller's own, else the address."""
    caller = record.auth.caller
    if not caller.is_anonymous:
        return caller.identity
    return _address(address_of(record.environ, tuple(record.app.config["TRUSTED_PROXIES"])))


@lru_cache(maxsize=1024)
def _address(address: str) -> str:
    """How an address is counted: one of IPv6 with all that its holder can choose from."""
    try:
        found = ip_address(address)
    except ValueError:  # a socket's
        return f"address:{address}"
    if isinstance(found, IPv6Address):
        return f"address:{ip_network((int(found), IPV6_PREFIX), strict=False)}"
    return f"address:{found}"
