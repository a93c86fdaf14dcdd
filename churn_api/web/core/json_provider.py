"""orjson as Flask's JSON provider."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import orjson
from flask import Response
from flask.json.provider import JSONProvider

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_TIMES = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
"""Times in UTC, to the second: 2026-11-20T10:30:00Z."""


class OrjsonProvider(JSONProvider):
    """Strict JSON (RFC 8259): NaN, Infinity, lone surrogates and nesting beyond 1,024 levels do not parse."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """JSON text."""
        return orjson.dumps(obj, option=_TIMES).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Parsed JSON. Raises orjson.JSONDecodeError."""
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """A JSON answer, its bytes written once."""
        body = orjson.dumps(self._prepare_response_obj(args, kwargs), option=_TIMES | orjson.OPT_APPEND_NEWLINE)
        answer = WholeAnswer([body], content_type="application/json")
        # Given the bytes themselves, Werkzeug would look for an older length first.
        answer.headers.add("Content-Length", str(len(body)))
        return answer


class WholeAnswer(Response):
    """An answer with a body that is whole, and so is its length: nothing about it is looked for at its sending."""

    def get_wsgi_response(self, environ: "WSGIEnvironment") -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """The body, the status and the headers, as a server takes them."""
        if self.status_code != 200 or environ["REQUEST_METHOD"] == "HEAD" or self._on_close:
            return super().get_wsgi_response(environ)
        return cast("list[bytes]", self.response), self.status, self.headers.to_wsgi_list()
