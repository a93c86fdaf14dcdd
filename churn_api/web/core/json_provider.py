"""orjson as Flask's JSON provider."""

from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider

_TIMES = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
"""Times are written in UTC, to the second: 2026-11-20T10:30:00Z."""


class OrjsonProvider(JSONProvider):
    """Strict JSON (RFC 8259): NaN, Infinity, lone surrogates and nesting beyond 1,024 levels do not parse."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Serialize to JSON text."""
        return orjson.dumps(obj, option=_TIMES).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Parse JSON. Raises orjson.JSONDecodeError."""
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """A JSON response."""
        return Response(write_json(self._prepare_response_obj(args, kwargs)), content_type="application/json")


def write_json(value: Any) -> bytes:
    """Serialize the body of a JSON response, with a line feed at its end."""
    return orjson.dumps(value, option=_TIMES | orjson.OPT_APPEND_NEWLINE)
