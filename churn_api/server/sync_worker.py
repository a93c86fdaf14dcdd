"""gunicorn's sync worker, with refusals of its own that are problems in JSON, as the application's are.

gunicorn's are HTML and quote the client. Its classes of errors are used here, so its version has an upper bound, and
tests/server/test_refusals.py has every one of them raised by bytes.
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

from churn_api.config import UNIX
from churn_api.server.complete_response import CompleteResponse
from churn_api.telemetry import logs
from churn_api.web.core.problems import KINDS, MEDIA_TYPE, server_problem
from churn_api.web.core.request_record import broken_request, set_current
from churn_api.web.core.response_headers import DEFAULT_HEADERS
from churn_api.web.core.wsgi_middleware import new_request_id

HEAD_BYTES = 64 * 1024
"""That a request's headers may have in all: more than the shipped nginx passes on."""

NOTIFY_EVERY_SECONDS = 0.2
"""A fraction of the shortest time, a second, after which the arbiter can be made to kill a silent worker."""

_CODES = (
    (errors.LimitRequestLine, "uri-too-long"),
    (errors.LimitRequestHeaders, "headers-too-large"),
    (errors.ExpectationFailed, "expectation-failed"),
    (errors.UnsupportedTransferCoding, "not-implemented"),
    # The path is not below SCRIPT_NAME, where the environment has that.
    (errors.ConfigurationProblem, "not-found"),
    ((errors.InvalidResponseHeader, errors.InvalidResponseHeaderName), "internal-error"),
    ((errors.ParseException, ssl.SSLError), "bad-request"),
)
"""The first that fits says what a client is told; of anything else, that it is the server's fault."""


class SyncWorker(sync.SyncWorker):  # type: ignore[misc]
    """A sync worker whose errors are problems.

    Its name ends as gunicorn's does, which takes it for a sync worker by that.
    """

    _notified = float("-inf")

    def init_process(self) -> None:
        """Bound the heads of requests and have complete answers sent at once, in this process, and begin."""
        parser.RequestParser.mesg_class = BoundedRequest
        wsgi.Response = CompleteResponse
        super().init_process()

    def notify(self) -> None:
        """Let the arbiter see that this worker is alive: gunicorn does so before every request and after it."""
        now = time.monotonic()
        if now - self._notified >= NOTIFY_EVERY_SECONDS:
            self._notified = now
            super().notify()

    def handle_request(self, listener: Any, req: Any, client: Any, addr: Any) -> None:
        """Answer a request, and close at once where the client has nothing more to say.

        gunicorn waits up to two seconds for the client to close first, so that bytes which were not read do not take
        the answer back: this process would answer no one meanwhile.
        """
        super().handle_request(listener, req, client, addr)
        if not self.cfg.is_ssl and _is_all_read(req, client):
            client.close()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer a request that no application answers: it is not valid HTTP, or the application was broken off."""
        code = next((code for kinds, code in _CODES if isinstance(exc, kinds)), "internal-error")
        broken = None if isinstance(exc, errors.ParseException) else broken_request()
        identifier = new_request_id({}) if broken is None else broken.request_id
        set_current(None)
        if broken is None:
            # Otherwise the request's own line tells of it.
            self._log(code, identifier, addr, exc)
        try:
            util.write_nonblock(client, _answer(code, identifier))
        except OSError:
            self.log.debug("the client went away before it was told what is wrong")

    def _log(self, code: str, identifier: str, addr: Any, exc: BaseException) -> None:
        if code == "internal-error":
            self.log.error("Error handling request", exc_info=exc)
        client = addr[0] if addr else UNIX
        fields = {"request_id": identifier, "status": KINDS[code].status, "problem": code, "client": client}
        logs.log_event(logging.WARNING, "refused before the application", fields)


class BoundedRequest(message.Request):  # type: ignore[misc]
    """A request whose head is bounded as a whole; gunicorn's bound is the product of its two other limits."""

    def parse(self, unreader: Any) -> bytes:
        """Read the head. Raises LimitRequestHeaders as soon as it is too large."""
        self.max_buffer_headers = HEAD_BYTES
        unused: bytes = super().parse(unreader)
        return unused


def _is_all_read(req: Any, client: socket.socket) -> bool:
    """Whether the body was read to its declared end, and nothing has come after it."""
    reader = req.body.reader
    if not isinstance(reader, LengthReader) or reader.length:
        return False
    try:
        return not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False


def _answer(code: str, identifier: str) -> bytes:
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
