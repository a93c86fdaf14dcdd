"""Request bodies: the bytes of a record, JSON that a schema loads, or a form with a file."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from flask import request
from marshmallow import Schema, ValidationError, fields
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from churn_api.contract.faults import Fault, FirstFaults, bounded_hints, did_you_mean
from churn_api.contract.feature_attributes import MAX_NAME_LENGTH
from churn_api.contract.json_size import has_more_values
from churn_api.contract.record import list_hint
from churn_api.contract.size_limits import MAX_COLUMNS, TooManyMembers
from churn_api.web.core.api_request import BodyStream
from churn_api.web.core.problems import Problem, body_errors, invalid
from churn_api.web.core.query import JSON
from churn_api.web.core.request_record import current_request
from churn_api.web.core.schemas import BodyOrFileSchema, BodySchema

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

FORM = "multipart/form-data"
LOGGED_BYTES = 2000
"""Bytes of a body that are logged where LOG_RECORDS is on."""
_CHUNK_BYTES = 1 << 16
_LENGTH = re.compile(r"[0-9]{1,15}")


class Members(NamedTuple):
    """A body that its schema loaded."""

    values: dict[str, Any]
    file: FileStorage | None = None
    """The file of a form; None for a JSON body."""


def is_readable_at_once(environ: "WSGIEnvironment") -> bool:
    """Whether one read returns the complete body: its length is declared, and the server ends the stream there.

    Only other bodies need Werkzeug's stream, which is slower because it counts chunk by chunk.
    """
    return (
        "wsgi.input_terminated" in environ
        and _LENGTH.fullmatch(environ.get("CONTENT_LENGTH", "")) is not None
        and "HTTP_TRANSFER_ENCODING" not in environ
    )


def read_members(schema: BodySchema) -> Members:
    """Read the members of a JSON body, or of a form where the schema takes a file.

    Raises Problem listing every fault, TooManyMembers, orjson.JSONDecodeError, or RequestEntityTooLarge.
    """
    if isinstance(schema, BodyOrFileSchema) and request.mimetype == FORM:
        file = read_file(schema.part, current_request().app.config[schema.max_bytes])
        # In a form the file replaces the members that JSON requires.
        required = [name for name, field in schema.fields.items() if field.required]
        return Members(load_members(schema, request.form.to_dict(), optional=required), file)
    if schema.optional and not request.content_length and request.content_type is None:
        return Members({})
    body = read_body()
    if has_more_values(body, MAX_COLUMNS + 1):
        raise TooManyMembers(MAX_COLUMNS)
    payload = orjson.loads(body)
    if not isinstance(payload, dict):
        raise invalid(body_errors([Fault("wrong-type", "Must be an object.", list_hint(payload))]))
    return Members(load_members(schema, payload))


def read_record_or_form() -> bytes | None:
    """Read a JSON body; None for a form, which the view reads. Raises as `read_body`."""
    try:
        return read_records()
    except Problem:
        # A direct request, whose type is JSON, has no Flask request.
        if current_request().environ.get("CONTENT_TYPE") != JSON and request.mimetype == FORM:
            return None
        raise


def read_records(also: Sequence[str] = ()) -> bytes:
    """Read a JSON body with customers, and record it for the log where LOG_RECORDS is on. Raises as `read_body`."""
    body = read_body(also)
    keep_for_log(body)
    return body


def keep_for_log(body: bytes) -> None:
    """Record the first bytes of a body with customers for the log, where LOG_RECORDS is on."""
    record = current_request()
    if record.app.config["LOG_RECORDS"]:
        record.body = body[:LOGGED_BYTES]


def read_body(also: Sequence[str] = ()) -> bytes:
    """Read a JSON body as bytes. Raises Problem for another media type; `also` lists other types of the route."""
    environ = current_request().environ
    if environ.get("CONTENT_TYPE") != JSON and request.mimetype != JSON:
        raise Problem("unsupported-media-type", f"Send the body as {JSON}.", accepted=[JSON, *also])
    require_identity()
    return read_bytes()


def require_identity() -> None:
    """Raise Problem for a compressed body."""
    if current_request().environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        raise Problem("unsupported-media-type", "Send the body as it is, not compressed.", accepted=[JSON])


def read_bytes() -> bytes:
    """Read a body of any type, as it was sent. Raises RequestEntityTooLarge or ClientDisconnected."""
    record = current_request()
    started = perf_counter()
    body = _read(record.environ, record.app.config["MAX_CONTENT_LENGTH"])
    record.body_seconds = perf_counter() - started
    return body


def read_file(part: str, max_bytes: int) -> FileStorage:
    """Read the file of a multipart form. Raises Problem where it is missing, or RequestEntityTooLarge."""
    request.max_content_length = max_bytes
    started = perf_counter()
    file = request.files.get(part)
    current_request().body_seconds = perf_counter() - started
    if file is None:
        raise invalid(body_errors([Fault("required", "A file is required.", path=(part,))]))
    return file


def load_members(schema: Schema, payload: dict[str, Any], *, optional: Sequence[str] = ()) -> dict[str, Any]:
    """Load members with a schema; `optional` names fields that may be missing. Raises Problem listing every fault."""
    try:
        loaded: dict[str, Any] = schema.load(payload, partial=optional)
    except ValidationError as error:
        faults = FirstFaults()
        with bounded_hints():
            faults.add(list(_faults(schema, error.messages_dict)))
        raise invalid(body_errors(faults.first), faults.more) from error
    return loaded


def _faults(schema: Schema, errors: dict[str, Any]) -> Iterator[Fault]:
    """The faults of members, and of the members of nested objects."""
    for name, messages in errors.items():
        field = schema.fields.get(name)
        if isinstance(field, fields.Nested) and isinstance(messages, dict) and "_schema" not in messages:
            yield from (fault.under(name) for fault in _faults(field.schema, messages))
        else:
            yield _fault(schema, name, messages)


def _fault(schema: Schema, name: str, messages: Any) -> Fault:
    if name not in schema.fields:
        return Fault("unknown-field", "Unknown field.", did_you_mean(name, schema.fields), (name[:MAX_NAME_LENGTH],))
    flat = messages if isinstance(messages, list) else [text for texts in messages.values() for text in texts]
    return Fault("not-valid", " ".join(map(str, flat)), path=(name,))


def _read(environ: "WSGIEnvironment", max_bytes: int) -> bytes:
    """Read the body. Raises RequestEntityTooLarge or ClientDisconnected."""
    if not is_readable_at_once(environ):
        # Not get_data(): at the limit it stops reading without an error.
        return b"".join(iter(partial(request.stream.read, _CHUNK_BYTES), b""))
    length = int(environ["CONTENT_LENGTH"])
    if length > max_bytes:
        raise RequestEntityTooLarge
    body = BodyStream(environ["wsgi.input"], None).read(length)
    if len(body) < length:
        raise ClientDisconnected
    return body
