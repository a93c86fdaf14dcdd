"""What errors of every protocol have in addition to what the protocol asks for."""

from typing import Any

from churn_api.web.core.declaration import ErrorContent


def error_members(error: ErrorContent) -> dict[str, Any]:
    """The code, the request's id, and the faults with their places in the body."""
    return {"code": error.code, "request_id": error.request_id, **error.members}
