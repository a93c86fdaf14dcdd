"""gunicorn's way to write an answer, in fewer steps where the answer is complete: head and body are sent by one call.

What gunicorn sends is sent, byte for byte; its own code still writes what is streamed, sent as a file, or has no body.
It touches gunicorn's insides, so its version has an upper bound, and a test compares both.
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
"""Names that need not be checked at each answer: they are ours, and mean nothing to a server."""

LARGEST_AT_ONCE = 1 << 16
"""Bytes of a body above which copying it behind its head costs more than a call."""


class CompleteResponse(wsgi.Response):  # type: ignore[misc]
    """An answer to one request."""

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        """Take the application's headers over. Values are all checked: some hold what a client sent."""
        for header in headers:
            name, value = header
            if name in _PLAIN and isinstance(value, str) and wsgi.HEADER_VALUE_RE.fullmatch(value):
                self.headers.append((name, value.strip(" \t")))
            else:
                super().process_headers([header])

    def write(self, arg: bytes) -> None:
        """Send a part of the body, and the head before the first one."""
        complete = isinstance(arg, bytes) and self.response_length == len(arg) <= LARGEST_AT_ONCE
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
