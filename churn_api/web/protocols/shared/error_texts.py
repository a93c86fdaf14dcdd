"""Errors as KServe and the Open Inference Protocol write them: one text."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from churn_api.contract.record import UNKNOWN_FIELD
from churn_api.web.core.declaration import ErrorContent, WireProtocol
from churn_api.web.core.schemas import ErrorMembersSchema
from churn_api.web.protocols.shared.error_members import error_members
from churn_api.web.protocols.shared.sent_records import MAX_NAMED


class ErrorTextSchema(ErrorMembersSchema):
    """An error as one text, with what all errors have."""

    error = fields.String(required=True)


def protocol_with_error_text(name: str) -> WireProtocol:
    """A protocol with errors in one text."""
    return WireProtocol(name=name, error_schema=ErrorTextSchema, error_body=_error_body)


def error_text(error: ErrorContent) -> str:
    """What is wrong, for clients that show nothing else: unknown members have their place, which alone names them."""
    entries = error.members.get("errors", ())
    unknown = [entry["pointer"] for entry in entries if entry["code"] == UNKNOWN_FIELD and "pointer" in entry]
    return f"{error.detail} ({', '.join(unknown[:MAX_NAMED])})" if unknown else error.detail


def _error_body(error: ErrorContent) -> Mapping[str, Any]:
    return {"error": error_text(error)} | error_members(error)
