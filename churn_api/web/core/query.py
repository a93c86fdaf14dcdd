"""The query string, and the check of the `Accept` header."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from churn_api.contract.faults import Fault, did_you_mean
from churn_api.web.core.accept import accepted_types
from churn_api.web.core.api_request import ApiRequest
from churn_api.web.core.problems import Problem, invalid, query_errors
from churn_api.web.core.request_record import current_request
from churn_api.web.core.schemas import QuerySchema

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

JSON = "application/json"
ANYTHING = "*/*"
MAX_NAME_SHOWN = 128
"""Characters of an unknown parameter's name that a response repeats."""
CACHED_QUERIES = 256


def accepts_json_verbatim(environ: "WSGIEnvironment") -> bool:
    """Whether `Accept` is missing, `*/*` or exactly JSON's media type, so that it needs no parsing."""
    return environ.get("HTTP_ACCEPT", ANYTHING) in (ANYTHING, JSON)


def read_query(schema: QuerySchema) -> dict[str, Any]:
    """The query parameters with their defaults; not to be changed. Raises Problem listing every fault."""
    query_string = current_request().environ.get("QUERY_STRING")
    return _loaded(schema, query_string or "") if query_string or schema.needs_parameters else schema.defaults


# The same few queries come again and again: reading one takes a fifth of a prediction's time.
@lru_cache(maxsize=CACHED_QUERIES)
def _loaded(schema: QuerySchema, query_string: str) -> dict[str, Any]:
    arguments = ApiRequest({"QUERY_STRING": query_string}).args
    faults = [
        Fault("sent-twice", "Send it once.", path=(name[:MAX_NAME_SHOWN],))
        for name, values in arguments.lists()
        if len(values) > 1
    ]
    try:
        loaded: dict[str, Any] = schema.load(arguments.to_dict())
    except ValidationError as error:
        # Unknown parameters first: a misspelt one explains why another is missing.
        names = sorted(error.messages_dict, key=lambda name: name in schema.fields)
        faults += [_fault(schema, name, error.messages_dict[name]) for name in names]
        loaded = {}
    if faults:
        raise invalid(query_errors(faults))
    return loaded


def require_json_accepted() -> None:
    """Raise Problem (406) where the client does not accept JSON."""
    if accepts_json_verbatim(current_request().environ):
        return
    accepted = accepted_types()
    if accepted and accepted.best_match([JSON]) is None:
        raise Problem("not-acceptable", f"This route answers {JSON}.")


def _fault(schema: QuerySchema, name: str, messages: Any) -> Fault:
    if name not in schema.fields:
        hint = did_you_mean(name, schema.fields)
        return Fault("unknown-parameter", "Unknown parameter.", hint, (name[:MAX_NAME_SHOWN],))
    return Fault("not-valid", " ".join(map(str, messages)), path=(name,))
