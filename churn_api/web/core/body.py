"""What a request carries: its JSON body, its query, and what it accepts."""

import re
from collections.abc import Sequence
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

import orjson
from flask import request
from marshmallow import RAISE, Schema, ValidationError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from churn_api.contract.faults import Fault, did_you_mean
from churn_api.contract.signature import MAX_NAME_LENGTH
from churn_api.web.core.problems import Problem, body_errors, invalid, query_errors
from churn_api.web.core.request_record import exchange

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

JSON = "application/json"
ANYTHING = "*/*"
LOGGED_BYTES = 2000
"""Of a body, where the log is to have it."""
_LENGTH = re.compile(r"[0-9]{1,15}")


class Query(Schema):
    """A query string: a misspelt parameter is a fault, not ignored."""

    class Meta:
        unknown = RAISE

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What a request without a query asks for; most have none."""
        return cast("dict[str, Any]", self.load({}))


def read_records(also: Sequence[str] = ()) -> bytes:
    """A JSON body with customers, noted for the log where LOG_RECORDS is on. Raises as `read_body`."""
    noted, body = exchange(), read_body(also)
    if noted.app.config["LOG_RECORDS"]:
        noted.body = body[:LOGGED_BYTES]
    return body


def read_body(also: Sequence[str] = ()) -> bytes:
    """The bytes of a JSON body. Raises Problem where it is of another type; `also` are types that the route takes."""
    noted = exchange()
    environ = noted.environ
    if environ.get("CONTENT_TYPE") != JSON and request.mimetype != JSON:
        raise Problem("unsupported-media-type", f"Send the body as {JSON}.", accepted=[JSON, *also])
    if environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        raise Problem("unsupported-media-type", "Send the body as it is, not compressed.", accepted=[JSON])
    started = perf_counter()
    body = _read(environ, noted.app.config["MAX_CONTENT_LENGTH"])
    noted.body_seconds = perf_counter() - started
    return body


def read_json(schema: Schema, *, when_empty: dict[str, Any] | None = None) -> dict[str, Any]:
    """A JSON object by its schema. Raises Problem naming every fault, or orjson.JSONDecodeError."""
    if when_empty is not None and not request.content_length and request.content_type is None:
        return when_empty
    payload = orjson.loads(read_body())
    if not isinstance(payload, dict):
        raise invalid(body_errors([Fault("wrong-type", "Must be an object.")]))
    return load_body(schema, payload)


def load_body(schema: Schema, payload: dict[str, Any]) -> dict[str, Any]:
    """The members of a body by their schema. Raises Problem naming every fault."""
    try:
        loaded: dict[str, Any] = schema.load(payload)
    except ValidationError as error:
        messages = error.messages_dict
        raise invalid(body_errors(_field_fault(schema, name, found) for name, found in messages.items())) from error
    return loaded


def read_upload(part: str, max_bytes: int) -> FileStorage:
    """The one file of a multipart form. Raises Problem where there is none, or RequestEntityTooLarge."""
    request.max_content_length = max_bytes
    started = perf_counter()
    file = request.files.get(part)
    exchange().body_seconds = perf_counter() - started
    if file is None:
        raise invalid(body_errors([Fault("required", "A file is required.", path=(part,))]))
    return file


def read_query(schema: Query) -> dict[str, Any]:
    """The query's parameters, defaults filled in. Raises Problem naming every fault."""
    if not exchange().environ.get("QUERY_STRING"):
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
    if exchange().environ.get("HTTP_ACCEPT", ANYTHING) in (ANYTHING, JSON):
        return
    if request.accept_mimetypes and not request.accept_mimetypes.accept_json:
        raise Problem("not-acceptable", f"This route answers {JSON}.")


def _field_fault(schema: Schema, name: str, messages: Any) -> Fault:
    if name not in schema.fields:
        return Fault("unknown-field", "Unknown field.", did_you_mean(name, schema.fields), (name[:MAX_NAME_LENGTH],))
    flat = messages if isinstance(messages, list) else [text for found in messages.values() for text in found]
    return Fault("not-valid", " ".join(map(str, flat)), path=(name,))


def _read(environ: "WSGIEnvironment", max_bytes: int) -> bytes:
    """The body, at most as long as is allowed.

    Werkzeug's stream counts piece by piece, which is work that only a body of unknown length needs; a server that ends
    the stream where the declared length does can be read at once.
    """
    length = environ.get("CONTENT_LENGTH", "")
    if not (_LENGTH.fullmatch(length) and "wsgi.input_terminated" in environ) or "HTTP_TRANSFER_ENCODING" in environ:
        return request.get_data(cache=False)
    if int(length) > max_bytes:
        raise RequestEntityTooLarge
    body: bytes = environ["wsgi.input"].read(int(length))
    return body


def _query_fault(schema: Query, name: str, messages: Any) -> Fault:
    if name not in schema.fields:
        return Fault("unknown-parameter", "Unknown parameter.", did_you_mean(name, schema.fields), (name[:128],))
    return Fault("not-valid", " ".join(map(str, messages)), path=(name,))
