"""A port that serves metrics with prometheus_client. Errors are problems in JSON, and no version is disclosed."""

import logging
import socket
import threading
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import orjson
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from churn_api.telemetry.multiprocess import Busy

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SERVER = ("Server", "churn-api")
METHODS = ("GET", "OPTIONS")

log = logging.getLogger(__name__)


def serve_metrics(registry: CollectorRegistry, host: str, port: int) -> None:
    """Serve a registry from a thread of this process. Raises OSError where the address cannot be used."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]

    class Server(ThreadingWSGIServer):
        address_family = family

    server = make_server(host, port, _with_problems(make_wsgi_app(registry)), Server, handler_class=_Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _with_problems(app: "WSGIApplication") -> "WSGIApplication":
    def wrapped(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            return start_response(status, [*headers, SERVER], *exc_info)

        if environ["REQUEST_METHOD"] not in METHODS:
            return _respond(start, HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", ", ".join(METHODS)))
        try:
            return app(environ, start)
        except Busy as error:
            log.warning("the metrics cannot be read: %s", error)
            return _respond(start, HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception:
            log.exception("the metrics could not be read")
            return _respond(start, HTTPStatus.INTERNAL_SERVER_ERROR)

    return wrapped


def _respond(start: Any, status: HTTPStatus, *headers: tuple[str, str]) -> Iterable[bytes]:
    body = _problem(status)
    start(f"{status.value} {status.phrase}", [*_content_headers(body), *headers])
    return [body]


def _problem(status: HTTPStatus) -> bytes:
    """A problem of type about:blank, https://datatracker.ietf.org/doc/html/rfc9457#section-4.2.1."""
    return orjson.dumps({"type": "about:blank", "title": status.phrase, "status": status.value})


def _content_headers(body: bytes) -> tuple[tuple[str, str], ...]:
    return ("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))


class _Handler(WSGIRequestHandler):
    """Logs no requests, and answers invalid HTTP without quoting it."""

    def version_string(self) -> str:
        return SERVER[1]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        # Without a version, the base class would send no headers.
        self.request_version = "HTTP/1.0"
        status = HTTPStatus(code)
        body = _problem(status)
        self.send_response(status)
        for name, value in (("Connection", "close"), *_content_headers(body)):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
