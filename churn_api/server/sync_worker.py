"""gunicorn's sync worker, with problem responses in JSON for the requests that it rejects.

gunicorn's own responses are HTML and quote the client. This depends on its exception classes, so its version has an
upper bound, and tests/server/test_refusals.py raises every one of them with raw requests.
"""

import logging
import socket
import ssl
import time
from http import HTTPStatus
from typing import Any

import orjson
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import errors, message, parser, wsgi  # type: ignore[import-untyped]
from gunicorn.http.body import LengthReader  # type: ignore[import-untyped]
from gunicorn.workers import sync  # type: ignore[import-untyped]

from churn_api.host_names import UNIX
from churn_api.server.complete_response import CompleteResponse
from churn_api.telemetry import logs
from churn_api.web.core.problems import KINDS, MEDIA_TYPE, server_problem
from churn_api.web.core.request_record import broken_request, set_current
from churn_api.web.core.response_headers import DEFAULT_HEADERS
from churn_api.web.core.wsgi_middleware import new_request_id

HEAD_BYTES = 64 * 1024
"""Maximum total size of a request's headers; the shipped nginx passes less."""

NOTIFY_EVERY_SECONDS = 0.2
"""A fraction of the shortest worker timeout, one second."""

_CODES = (
    (errors.LimitRequestLine, "uri-too-long"),
    (errors.LimitRequestHeaders, "headers-too-large"),
    (errors.ExpectationFailed, "expectation-failed"),
    (errors.UnsupportedTransferCoding, "not-implemented"),
    # The path is not below SCRIPT_NAME.
    (errors.ConfigurationProblem, "not-found"),
    ((errors.InvalidResponseHeader, errors.InvalidResponseHeaderName), "internal-error"),
    ((errors.ParseException, ssl.SSLError), "bad-request"),
)
"""Problem codes by exception class; the first match counts, and the default is internal-error."""


class SyncWorker(sync.SyncWorker):  # type: ignore[misc]
    """A sync worker that responds to invalid requests with problems.

    Its name ends in SyncWorker because gunicorn recognizes sync workers by name.
    """

    _notified = float("-inf")

    def init_process(self) -> None:
        """Install the bounded request and the complete response in this process, and start."""
        parser.RequestParser.mesg_class = BoundedRequest
        wsgi.Response = CompleteResponse
        super().init_process()

    def notify(self) -> None:
        """Notify the arbiter that this worker is alive, at intervals; gunicorn does so twice per request."""
        now = time.monotonic()
        if now - self._notified >= NOTIFY_EVERY_SECONDS:
            self._notified = now
            super().notify()

    def handle_request(self, listener: Any, req: Any, client: Any, addr: Any) -> None:
        """Handle a request, and close the connection at once where the request was read completely.

        gunicorn waits up to two seconds for the client to close first, because unread bytes would reset the connection
        before the client reads the response. This process could serve no other request during that time.
        """
        super().handle_request(listener, req, client, addr)
        if not self.cfg.is_ssl and _is_fully_read(req, client):
            client.close()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Respond to a request that is invalid HTTP, or during which the application was interrupted."""
        code = next((code for kinds, code in _CODES if isinstance(exc, kinds)), "internal-error")
        broken = None if isinstance(exc, errors.ParseException) else broken_request()
        identifier = new_request_id({}) if broken is None else broken.request_id
        set_current(None)
        if broken is None:
            # Otherwise the access log has a line for the request.
            self._log(code, identifier, addr, exc)
        try:
            util.write_nonblock(client, _response(code, identifier))
        except OSError:
            self.log.debug("the client disconnected before the error response was sent")

    def _log(self, code: str, identifier: str, addr: Any, exc: BaseException) -> None:
        if code == "internal-error":
            self.log.error("Error handling request", exc_info=exc)
        client = addr[0] if addr else UNIX
        fields = {"request_id": identifier, "status": KINDS[code].status, "problem": code, "client": client}
        logs.log_event(logging.WARNING, "refused before the application", fields)


class BoundedRequest(message.Request):  # type: ignore[misc]
    """A request with a limit on the total size of its headers; gunicorn limits only the number and size of fields."""

    def parse(self, unreader: Any) -> bytes:
        """Parse the headers. Raises LimitRequestHeaders where they are too large."""
        self.max_buffer_headers = HEAD_BYTES
        unused: bytes = super().parse(unreader)
        return unused


def _is_fully_read(req: Any, client: socket.socket) -> bool:
    """Whether the body was read to its declared end, and no further bytes have arrived."""
    reader = req.body.reader
    if not isinstance(reader, LengthReader) or reader.length:
        return False
    try:
        return not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False


def _response(code: str, identifier: str) -> bytes:
    status = HTTPStatus(KINDS[code].status)
    body = orjson.dumps(server_problem(code, identifier))
    headers = (
        ("Date", util.http_date()),
        ("Connection", "close"),
        ("Content-Type", MEDIA_TYPE),
        ("Content-Length", str(len(body))),
        *DEFAULT_HEADERS,
        ("X-Request-ID", identifier),
    )
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body
