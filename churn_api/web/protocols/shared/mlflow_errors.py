"""Errors as MLflow's scoring server and Databricks write them: by name, which their clients take for the status."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from churn_api.web.core.declaration import ErrorContent, WireProtocol
from churn_api.web.core.schemas import ErrorMembersSchema
from churn_api.web.protocols.shared.error_members import error_members

_NAMES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}


class MlflowErrorSchema(ErrorMembersSchema):
    """An error in MLflow's form."""

    error_code = fields.String(required=True)
    message = fields.String(required=True)


def protocol_like_mlflow(name: str) -> WireProtocol:
    """A protocol with MLflow's errors."""
    return WireProtocol(name=name, error_schema=MlflowErrorSchema, error_body=_error_body)


def _error_body(error: ErrorContent) -> Mapping[str, Any] | str:
    if error.status == 415:
        # MLflow's own server answers this in text.
        return f"{error.detail}\n"
    return {"error_code": _name(error), "message": error.detail} | error_members(error)


def _name(error: ErrorContent) -> str:
    if error.code == "validation-failed":
        return "INVALID_PARAMETER_VALUE"
    return _NAMES.get(error.status, "BAD_REQUEST" if error.status < 500 else "INTERNAL_ERROR")
