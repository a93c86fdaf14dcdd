"""A page or a picture whose only style is its own: the policy allows it by its digest."""

import base64
import hashlib

from flask import Response

from churn_api.web.core.response_headers import STRICT_POLICY


def styled_response(content: str, media_type: str, style: str) -> Response:
    """A response in which `style` is the text of the one style element, and nothing else is loaded or run."""
    response = Response(content, mimetype=media_type)
    response.vary.add("Accept")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    response.headers["Content-Security-Policy"] = f"{STRICT_POLICY}; style-src 'sha256-{digest}'"
    return response
