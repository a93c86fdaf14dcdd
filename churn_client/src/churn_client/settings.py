"""What both clients are made of: their options, checked, with defaults."""

from typing import Any, NamedTuple

from churn_client.options import ClientOptions
from churn_client.retries import Retries

TIMEOUT = 30.0
RETRIES = 3
MAX_WAIT = 60.0
PARALLEL = 4
ROWS_PER_REQUEST = 1000


class Settings(NamedTuple):
    """The settings of a client."""

    http: dict[str, Any]
    """Arguments of the httpx client."""
    retries: Retries
    parallel: int
    rows_per_request: int


def settings_of(url: str, key: str | None, options: ClientOptions) -> Settings:
    """The settings for a service's URL and a key. Raises ValueError where one is not valid."""
    parallel, rows = options.get("parallel", PARALLEL), options.get("rows_per_request", ROWS_PER_REQUEST)
    if parallel < 1 or rows < 1:
        raise ValueError("parallel and rows_per_request are at least 1")
    http = {
        "base_url": f"{url.rstrip('/')}/api/v1/",
        "timeout": options.get("timeout", TIMEOUT),
        "headers": {"User-Agent": "churn-client", "Accept": "application/json"}
        | _credentials(key)
        | {**options.get("headers", {})},
    }
    return Settings(http, Retries(options.get("retries", RETRIES), options.get("max_wait", MAX_WAIT)), parallel, rows)


def _credentials(key: str | None) -> dict[str, str]:
    """The header of a key, without the newline that a file ends with. Raises ValueError without the key in it."""
    if key is None:
        return {}
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError("the key has characters that no key has: only printable ASCII goes into a header")
    return {"Authorization": f"Bearer {key}"}
