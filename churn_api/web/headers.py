"""Headers of every answer: the request id, and what browsers may do with an answer."""

import re
import secrets

from flask import Flask, Response, g, request

REQUEST_ID = "X-Request-ID"
STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'"

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def init_app(app: Flask) -> None:
    """Give every request an id, and every answer its headers."""
    app.before_request(_take_or_make_id)
    app.after_request(_add_headers)


def _take_or_make_id() -> None:
    sent = request.headers.get(REQUEST_ID, "")
    g.request_id = sent if _ACCEPTED_ID.fullmatch(sent) else secrets.token_hex(16)


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers[REQUEST_ID] = g.request_id
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Content-Security-Policy", STRICT_POLICY)
    headers.setdefault("Cache-Control", "no-store")
    return response
