"""Headers of responses of deprecated operations: since when (RFC 9745), and what replaces them (RFC 8288)."""

from collections.abc import Iterator

from churn_api.web import API_V1
from churn_api.web.core.declaration import Header
from churn_api.web.core.request_record import RequestRecord
from churn_api.web.core.urls import mount_prefix

DEPRECATED_SINCE = 1_796_083_200
"""1 December 2026, in seconds since 1970."""

DEPRECATION = Header("Deprecation", "Since when the operation is deprecated.", f"@{DEPRECATED_SINCE}")
LINK = Header("Link", "The address that replaces it.", f'<{API_V1}/predict>; rel="successor-version"')


def deprecation_headers(record: RequestRecord, successor: str, *, failed: bool) -> Iterator[tuple[str, str]]:
    """The headers of a response whose operation is replaced by the endpoint `successor`.

    An error has no link that would repeat what the client wrote into the path.
    """
    yield DEPRECATION.name, DEPRECATION.example
    if not failed or (record.route is not None and "<" not in record.route):
        yield LINK.name, f'<{_url(record, successor)}>; rel="successor-version"'


def _url(record: RequestRecord, endpoint: str) -> str:
    """The URL of an endpoint, with the arguments in the request's path."""
    environ = record.environ
    urls = record.app.url_map.bind("", script_name=mount_prefix())
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    _, arguments = urls.match(path, environ["REQUEST_METHOD"])
    return urls.build(endpoint, arguments)
