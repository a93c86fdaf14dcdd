"""What errors of every protocol have in addition to what the protocol asks for."""

from typing import Any

from marshmallow import Schema, fields

from churn_api.web.core.declaration import ErrorContent
from churn_api.web.core.schemas import FaultSchema


class ErrorMembersSchema(Schema):
    """The members that every protocol's errors have."""

    code = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(FaultSchema))
    more_errors = fields.Integer(metadata={"description": "Faults that `errors` does not list."})


def error_members(error: ErrorContent) -> dict[str, Any]:
    """The code, the request's id, and the faults with their places in the body."""
    return {"code": error.code, "request_id": error.request_id, **error.members}
