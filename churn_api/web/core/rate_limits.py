"""Rate limits by Flask-Limiter, with counters that all workers share."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from pathlib import Path
from time import time

from flask import Flask

from churn_api.access.file_counters import uri_of
from churn_api.access.redis_counters import SCHEMES, counters_uri
from churn_api.web.core.application_close import on_close
from churn_api.web.core.client_address import address_of
from churn_api.web.core.declaration import Header
from churn_api.web.core.problems import Problem
from churn_api.web.core.rate_limiter import DeclaredLimiter, LimitExceeded, RateCount
from churn_api.web.core.request_record import RequestRecord, current_request

IPV6_PREFIX = 64
"""Length of the network prefix that identifies a caller: providers assign a customer a network of this size."""

LIMIT = Header("RateLimit-Limit", "Calls allowed in the current window.", "100")
REMAINING = Header("RateLimit-Remaining", "Calls left in the current window.", "99")
RESET = Header("RateLimit-Reset", "Seconds until the window ends.", "60")
LIMIT_HEADERS = (LIMIT, REMAINING, RESET)
"""Headers of every response to a counted call."""

_RATES = {"predict": "RATELIMIT_PREDICT", "batch": "RATELIMIT_BATCH", "management": "RATELIMIT_MANAGEMENT"}
_EXTENSION = "churn_api_limiter"

ROWS = "batch rows"
"""Name of the limit on rows of batches."""


def init_app(app: Flask) -> None:
    """Create the limiter of an application, where RATELIMIT_ENABLED is on."""
    if not app.config["RATELIMIT_ENABLED"]:
        return
    limiter = DeclaredLimiter(str, storage_uri=_storage_uri(app), swallow_errors=False)
    limiter.init_app(app)
    app.extensions[_EXTENSION] = limiter
    on_close(app, limiter.close)


def count_call(record: RequestRecord) -> None:
    """Count a call against the limit that the operation declares. Raises RateLimitExceeded.

    Calls with failed authentication have counters of their own, at the rate of `management`: guessing keys is limited,
    and uses up no other caller's limit.
    """
    operation = record.operation
    if operation is None or operation.limit is None or record.environ["REQUEST_METHOD"] == "OPTIONS":
        return
    name = "management" if record.auth.denied is not None else operation.limit
    counted = "denied" if record.auth.denied is not None else name
    # The rate of the caller's key, else the configured one.
    rate: str = record.auth.caller.rate or record.app.config[_RATES[name]]
    _hit(record, name, rate, f"{counted}:{_identity(record)}")


def charge_batch(rows: int) -> None:
    """Count a request of more than one record as a batch too, and its rows. Raises RateLimitExceeded.

    For operations that take one record or many: their calls are counted as single predictions before they are read.
    """
    record = current_request()
    if rows > 1 and record.app.config["RATELIMIT_ENABLED"]:
        rate: str = record.auth.caller.rate or record.app.config[_RATES["batch"]]
        _hit(record, "batch", rate, f"batch:{_identity(record)}")
        charge_rows(rows)


def charge_rows(rows: int) -> None:
    """Count the rows of a batch, where RATELIMIT_BATCH_ROWS is set. Raises RateLimitExceeded."""
    record = current_request()
    rate = record.app.config["RATELIMIT_BATCH_ROWS"]
    if rate and rows and record.app.config["RATELIMIT_ENABLED"]:
        _hit(record, ROWS, rate, f"rows:{_identity(record)}", rows)


def rates(app: Flask) -> dict[str, str]:
    """The configured rates by limit, for callers without a rate of their own; empty without rate limiting."""
    if not app.config["RATELIMIT_ENABLED"]:
        return {}
    rows = app.config["RATELIMIT_BATCH_ROWS"]
    return {name: app.config[setting] for name, setting in _RATES.items()} | ({ROWS: rows} if rows else {})


def rate_limited() -> Problem:
    """The problem for a caller that has exceeded a limit."""
    count = current_request().rate_count
    if count is None:  # a limit of Flask-Limiter on a view of another team
        return Problem("rate-limited", "Try again later.", headers={"Retry-After": "1"})
    seconds = max(1, _seconds_left(count))
    detail = f"The limit is {count.item}. Try again in {seconds} s."
    return Problem("rate-limited", detail, headers={"Retry-After": str(seconds)})


def rate_headers(count: RateCount) -> list[tuple[str, str]]:
    """The RateLimit headers of a response: limit, remaining calls, and seconds until the window ends."""
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
    """The caller's identity, else the client's address."""
    caller = record.auth.caller
    if not caller.is_anonymous:
        return caller.identity
    return _address(address_of(record.environ, tuple(record.app.config["TRUSTED_PROXIES"])))


@lru_cache(maxsize=1024)
def _address(address: str) -> str:
    """The key of an address; IPv6 addresses count by network."""
    try:
        ip = ip_address(address)
    except ValueError:  # a Unix socket
        return f"address:{address}"
    if isinstance(ip, IPv6Address):
        return f"address:{ip_network((int(ip), IPV6_PREFIX), strict=False)}"
    return f"address:{ip}"
