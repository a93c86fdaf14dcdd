"""orjson as Flask's JSON provider."""

from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider

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
        body = orjson.dumps(self._prepare_response_obj(args, kwargs), option=_TIMES)
        return Response(body, content_type="application/json")
