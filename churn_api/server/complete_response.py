"""A faster gunicorn Response: where the body is complete, headers and body are sent in one call.

The bytes are the same as gunicorn's; its own code still writes streamed, file and empty responses. This depends on
gunicorn's internals, so its version has an upper bound, and a test compares both.
"""

import time
from functools import lru_cache

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import wsgi  # type: ignore[import-untyped]

from churn_api.web.core.rate_limits import LIMIT_HEADERS
from churn_api.web.core.response_headers import DEFAULT_HEADERS, REQUEST_ID

_PLAIN = frozenset(
    ("Content-Type", REQUEST_ID.name, *(name for name, _ in DEFAULT_HEADERS), *(h.name for h in LIMIT_HEADERS))
)
"""Header names that need no check: we set them, and they have no meaning to the server."""

MAX_JOINED_BYTES = 1 << 16
"""Above this size, copying the body behind the headers costs more than a second call."""


class CompleteResponse(wsgi.Response):  # type: ignore[misc]
    """The response to one request."""

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Add the application's headers. All values are checked, because some contain client data."""
        for header in headers:
            name, value = header
            if name in _PLAIN and isinstance(value, str) and wsgi.HEADER_VALUE_RE.fullmatch(value):
                self.headers.append((name, value.strip(" \t")))
            else:
                super().process_headers([header])

    def write(self, arg: bytes) -> None:
        """Send a part of the body, preceded by the headers where it is the first."""
        complete = isinstance(arg, bytes) and self.response_length == len(arg) <= MAX_JOINED_BYTES
        if not complete or self.headers_sent or self._omits_body or self.upgrade or not self.must_close:
            super().write(arg)
            return
        (major, minor), date = self.req.version, _date(int(time.time()))
        lines = [
            f"HTTP/{major}.{minor} {self.status}\r\nServer: {self.version}\r\nDate: {date}\r\nConnection: close\r\n",
            *[f"{name}: {value}\r\n" for name, value in self.headers],
            "\r\n",
        ]
        util.write(self.sock, "".join(lines).encode("latin-1") + arg)
        self.headers_sent: bool = True
        self.sent = len(arg)


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    date: str = util.http_date(second)
    return date
