"""The query string, and what a client accepts."""

from typing import Any

from flask import request
from marshmallow import ValidationError

from churn_api.contract.faults import Fault, did_you_mean
from churn_api.web.core.accept import accepted_types
from churn_api.web.core.problems import Problem, invalid, query_errors
from churn_api.web.core.request_record import current_request
from churn_api.web.core.schemas import Query

JSON = "application/json"
ANYTHING = "*/*"
LONGEST_TOLD = 128
"""Characters of a parameter's name that an answer repeats."""


def read_query(schema: Query) -> dict[str, Any]:
    """The query's parameters, defaults filled in. Raises Problem naming every fault."""
    if not current_request().environ.get("QUERY_STRING"):
        return schema.defaults
    arguments = request.args
    faults = [
        Fault("sent-twice", "Send it once.", path=(name,)) for name, values in arguments.lists() if len(values) > 1
    ]
    try:
        loaded: dict[str, Any] = schema.load(arguments.to_dict())
    except ValidationError as error:
        faults += [_fault(schema, name, messages) for name, messages in error.messages_dict.items()]
        loaded = {}
    if faults:
        raise invalid(query_errors(faults))
    return loaded


def require_json_accepted() -> None:
    """Raise Problem where the client accepts no JSON."""
    if current_request().environ.get("HTTP_ACCEPT", ANYTHING) in (ANYTHING, JSON):
        return
    accepted = accepted_types()
    if accepted and accepted.best_match([JSON]) is None:
        raise Problem("not-acceptable", f"This route answers {JSON}.")


def _fault(schema: Query, name: str, messages: Any) -> Fault:
    if name not in schema.fields:
        hint = did_you_mean(name, schema.fields)
        return Fault("unknown-parameter", "Unknown parameter.", hint, (name[:LONGEST_TOLD],))
    return Fault("not-valid", " ".join(map(str, messages)), path=(name,))
