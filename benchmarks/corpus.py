"""Hostile requests to every route of an application, and what is wrong with an answer to one.

Routes, methods, arguments and parameters are read from the application's own URL map and declarations, so that a new
route is among them by itself. A request is bytes: `environ` hands it to an application, `wire` to a server.
"""

import io
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

import orjson

from benchmarks.naughty import CANARY, JSON, MEDIA_TYPES, TEXTS, bodies, headers
from churn_api.web.core.flask_app import Api
from churn_api.web.pages.shared.desk_files import desk_files

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

USUAL = {
    "model": b"default",
    "version": b"1",
    "job": b"none",
    "name": b"docs.js",
    "project": b"one",
    "location": b"here",
    "experiment": b"1",
    "digest": desk_files().digest.encode(),
}
"""Values of arguments that make a route answer. No model but the default one: that cannot be unloaded."""
PROBLEM = "application/problem+json"
PROTOCOL_ERRORS = (PROBLEM, "application/json", "text/plain; charset=utf-8")
"""Media types of errors of another system's protocol; a path that is no route's has a problem."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")


class Raw(NamedTuple):
    """One request, as bytes."""

    method: str
    target: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    body: bytes = b""
    rule: str = ""
    """Of the URL map, which a list of faults may name where the target holds what is never repeated."""
    error_types: tuple[str, ...] = (PROBLEM,)

    def having(self, name: str, value: bytes) -> "Raw":
        """The same with another value of a header."""
        return self._replace(headers=(*(pair for pair in self.headers if pair[0] != name), (name, value)))

    def wire(self) -> bytes:
        """What is sent to a server."""
        sent = dict(self.headers)
        lines = [b"%s %s HTTP/1.1" % (self.method.encode(), self.target)]
        lines += [b"Host: localhost"] if "Host" not in sent else []
        lines += [b"Content-Length: %d" % len(self.body)]
        lines += [name.encode() + b": " + value for name, value in sent.items()]
        return b"\r\n".join([*lines, b"", self.body])

    def environ(self) -> "WSGIEnvironment":
        """What a server hands to an application (PEP 3333: bytes as the characters of latin-1)."""
        path, _, query = self.target.partition(b"?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "CONTENT_LENGTH": str(len(self.body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
        }
        named = {name.upper().replace("-", "_"): value.decode("latin-1").strip() for name, value in self.headers}
        return environ | {name if name == "CONTENT_TYPE" else f"HTTP_{name}": value for name, value in named.items()}


class Route(NamedTuple):
    """A rule of the URL map, and what its view declares."""

    rule: str
    arguments: tuple[str, ...]
    methods: tuple[str, ...]
    parameters: tuple[str, ...]
    has_body: bool
    error_types: tuple[str, ...]

    def target(self, values: Mapping[str, bytes]) -> bytes:
        """Its address, with these values for its arguments."""
        path = self.rule.replace("<path:", "<")
        for name in self.arguments:
            path = path.replace(f"<{name}>", quote_from_bytes(values[name], safe=""))
        return path.encode()


def routes(app: Api) -> list[Route]:
    """Every route of an application."""
    result = []
    for rule in app.url_map.iter_rules():
        declared, methods = app.operations[rule.endpoint], sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        parameters = tuple(declared.query().fields)
        error_types = (PROBLEM,) if declared.protocol is None else PROTOCOL_ERRORS
        has_body = declared.body is not None
        result.append(Route(rule.rule, tuple(rule.arguments), tuple(methods), parameters, has_body, error_types))
    return result


def corpus(app: Api, key: str, *, usual: Mapping[str, bytes] = USUAL, every: int = 1) -> Iterator[Raw]:
    """Requests with every text in every argument of every route; of those with it elsewhere, one of so many."""
    sent = (("X-API-Key", key.encode()), ("Content-Type", JSON))
    for route in routes(app):
        asked_for = route.target(usual)
        plain = {method: Raw(method, asked_for, sent, b"{}", route.rule, route.error_types) for method in _METHODS}
        asked = [plain[method] for method in route.methods]
        yield from plain.values()
        yield from chain.from_iterable(_in_arguments(route, one, usual) for one in asked)
        elsewhere = (chain(_in_query(route, one), _in_headers(one), _in_body(route, one)) for one in asked)
        yield from islice(chain.from_iterable(elsewhere), 0, None, every)


def faults_of(raw: Raw, status: int, media_type: str | None, answer: bytes) -> Iterator[str]:
    """What is wrong with an answer: a failure, an error that is no problem, or words that repeat what was sent."""
    if status >= 500:
        yield f"a failure: {status}"
    if status < 400 or raw.method == "HEAD":
        return
    if media_type not in raw.error_types:
        yield f"{status} as {media_type}"
        return
    if media_type == PROTOCOL_ERRORS[-1]:
        if CANARY in answer:
            yield "an echo of what was sent"
        return
    # `instance` is the address, and an error's pointer or parameter the place at fault: docs/security.md.
    try:
        problem: Mapping[str, Any] = orjson.loads(answer)
    except orjson.JSONDecodeError:
        yield f"{status} as broken JSON"
        return
    words = {name: value for name, value in problem.items() if name not in ("instance", "errors")}
    errors = [
        {name: value for name, value in error.items() if name not in ("pointer", "parameter")}
        for error in problem.get("errors", [])
    ]
    if CANARY in orjson.dumps([words, errors]):
        yield "an echo of what was sent"


def _in_arguments(route: Route, asked: Raw, usual: Mapping[str, bytes]) -> Iterator[Raw]:
    for name in route.arguments:
        yield from (asked._replace(target=route.target({**usual, name: text})) for text in TEXTS)


def _in_query(route: Route, asked: Raw) -> Iterator[Raw]:
    for text in TEXTS:
        quoted = quote_from_bytes(text).encode()
        for name in route.parameters:
            yield asked._replace(target=b"%s?%s=%s" % (asked.target, name.encode(), quoted))
        yield asked._replace(target=b"%s?%s=1" % (asked.target, quoted))
        yield asked._replace(target=b"%s?%s" % (asked.target, quote_from_bytes(text, safe="%&=;+").encode()))
        yield asked._replace(target=b"%s?threshold=%s" % (asked.target, text.translate(None, b"\r\n\0 ")))


def _in_headers(asked: Raw) -> Iterator[Raw]:
    yield from (asked.having(name, value) for name, value in headers())


def _in_body(route: Route, asked: Raw) -> Iterator[Raw]:
    for media_type in MEDIA_TYPES if route.has_body else ():
        sent = asked.having("Content-Type", media_type)
        yield from (sent._replace(body=body) for body in bodies(media_type))
