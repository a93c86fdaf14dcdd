"""The body of a request of the Open Inference Protocol: JSON and binary tensors behind it, compressed or not."""

from typing import Any, NamedTuple

from churn_api.contract.fields import INT64
from churn_api.web.core.body import keep_for_log, read_bytes
from churn_api.web.core.declaration import Header
from churn_api.web.core.problems import Problem
from churn_api.web.core.query import JSON
from churn_api.web.core.request_record import current_request
from churn_api.web.protocols.shared.compressed_bodies import CONTENT_ENCODINGS, decompress_body
from churn_api.web.protocols.shared.json_payload import parse_json
from churn_api.web.protocols.shared.tensor_input import JSON_LENGTH_HEADER

JSON_LENGTH = Header(JSON_LENGTH_HEADER, "Length of the JSON, where binary tensors follow it.", "1024")
_LENGTH_VARIABLE = f"HTTP_{JSON_LENGTH_HEADER.upper().replace('-', '_')}"
_DIGITS = len(str(INT64[1]))


class InferenceBody(NamedTuple):
    """A parsed body."""

    payload: Any
    binary: bytes | None
    """What follows the JSON; None where the client announces no binary tensors. The Content-Type says nothing of it."""


def read_inference_body() -> InferenceBody:
    """Read the body of the request.

    Raises Problem, TooManyValues, orjson.JSONDecodeError, or RequestEntityTooLarge.
    """
    body = _decompressed(read_bytes())
    length = current_request().environ.get(_LENGTH_VARIABLE)
    size = len(body) if length is None else _json_size(length, len(body))
    keep_for_log(body[:size])
    return InferenceBody(parse_json(body[:size]), None if length is None else body[size:])


def _decompressed(body: bytes) -> bytes:
    record = current_request()
    encoding = record.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding not in CONTENT_ENCODINGS:
        detail = f"Send the body as it is, or compressed as {', '.join(CONTENT_ENCODINGS)}."
        raise Problem("unsupported-media-type", detail, accepted=[JSON])
    return decompress_body(body, encoding, record.app.config["MAX_CONTENT_LENGTH"])


def _json_size(length: str, most: int) -> int:
    """The length of the JSON before binary tensors. Raises Problem."""
    if length.isascii() and length.isdigit() and len(length) <= _DIGITS and 0 < int(length) <= most:
        return int(length)
    raise Problem("bad-request", f"{JSON_LENGTH_HEADER} must be the length of the JSON, within the body.")
