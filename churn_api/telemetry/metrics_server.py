"""A port that serves metrics, by prometheus_client; what it refuses is a problem in JSON, and it names no version."""

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
    """Serve a registry from a thread of this process. Raises OSError where that cannot be listened on."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]

    class Server(ThreadingWSGIServer):
        address_family = family

    server = make_server(host, port, _refusing(make_wsgi_app(registry)), Server, handler_class=_Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _refusing(answer: "WSGIApplication") -> "WSGIApplication":
    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            return start_response(status, [*headers, SERVER], *exc_info)

        if environ["REQUEST_METHOD"] not in METHODS:
            return _refuse(start, HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", ", ".join(METHODS)))
        try:
            return answer(environ, start)
        except Busy as error:
            log.warning("the metrics cannot be read: %s", error)
            return _refuse(start, HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception:
            log.exception("the metrics could not be read")
            return _refuse(start, HTTPStatus.INTERNAL_SERVER_ERROR)

    return app


def _refuse(start: Any, status: HTTPStatus, *headers: tuple[str, str]) -> Iterable[bytes]:
    body = _problem(status)
    start(f"{status.value} {status.phrase}", [*_describing(body), *headers])
    return [body]


def _problem(status: HTTPStatus) -> bytes:
    """A problem that is no more than its status, https://datatracker.ietf.org/doc/html/rfc9457#section-4.2.1."""
    return orjson.dumps({"type": "about:blank", "title": status.phrase, "status": status.value})


def _describing(body: bytes) -> tuple[tuple[str, str], ...]:
    return ("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))


class _Handler(WSGIRequestHandler):
    """Logs nothing, and answers what is no HTTP without repeating it."""

    def version_string(self) -> str:
        return SERVER[1]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        # What no version was read of is answered with headers all the same.
        self.request_version = "HTTP/1.0"
        status = HTTPStatus(code)
        body = _problem(status)
        self.send_response(status)
        for name, value in (("Connection", "close"), *_describing(body)):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
