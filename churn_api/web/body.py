"""What a request carries: its JSON body, its query, and what it accepts."""

from functools import cached_property
from typing import Any, cast

from flask import request
from marshmallow import RAISE, Schema, ValidationError

from churn_api.contract.faults import Fault, did_you_mean
from churn_api.web.problems import Problem, invalid, query_errors

JSON = "application/json"
_ANYTHING = "*/*"


class Query(Schema):
    """A query string: a misspelt parameter is a fault, not ignored."""

    class Meta:
        unknown = RAISE

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What a request without a query asks for; most have none."""
        return cast("dict[str, Any]", self.load({}))


def read_body() -> bytes:
    """The bytes of a JSON body. Raises Problem where it is of another type."""
    if JSON not in (request.content_type, request.mimetype):
        raise Problem("unsupported-media-type", f"Send the body as {JSON}.", accepted=[JSON])
    return request.get_data(cache=False)


def read_query(schema: Query) -> dict[str, Any]:
    """The query's parameters, defaults filled in. Raises Problem naming every fault."""
    if not request.query_string:
        return schema.defaults
    arguments = request.args
    faults = [
        Fault("sent-twice", "Send it once.", path=(name,)) for name, values in arguments.lists() if len(values) > 1
    ]
    try:
        loaded: dict[str, Any] = schema.load(arguments.to_dict())
    except ValidationError as error:
        faults += [_query_fault(schema, name, messages) for name, messages in error.messages_dict.items()]
        loaded = {}
    if faults:
        raise invalid(query_errors(faults))
    return loaded


def require_json_accepted() -> None:
    """Raise Problem where the client accepts no JSON."""
    if request.environ.get("HTTP_ACCEPT", _ANYTHING) in (_ANYTHING, JSON):
        return
    if request.accept_mimetypes and not request.accept_mimetypes.accept_json:
        raise Problem("not-acceptable", f"This route answers {JSON}.")


def _query_fault(schema: Query, name: str, messages: Any) -> Fault:
    if name not in schema.fields:
        return Fault("unknown-parameter", "Unknown parameter.", did_you_mean(name, schema.fields), (name[:128],))
    return Fault("not-valid", " ".join(map(str, messages)), path=(name,))
