"""JSON bodies as other systems' clients send them: without a type, with the bare word NaN."""

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import orjson
from flask import request

from churn_api.contract.batch_body import MAX_VALUES
from churn_api.contract.faults import Fault
from churn_api.contract.json_size import has_more_values
from churn_api.contract.size_limits import TooManyValues
from churn_api.web.core.body import keep_for_log, read_bytes, require_identity
from churn_api.web.core.problems import Problem, body_errors
from churn_api.web.core.query import JSON
from churn_api.web.core.request_record import current_request

VALUES_A_ROW = 2 * 64
"""Values of a body for each row that a batch may have: 64 columns, each in a list of its own."""

NO_PARAMETERS: Mapping[str, Mapping[str, Collection[str]]] = {}
_UTF_8 = ("utf-8", "utf8", "us-ascii", "ascii")
_UP_TO_NAN = re.compile(rb'(?:[^"N]++|"(?:[^"\\]++|\\.)*+"|N(?!aN))*+NaN', re.DOTALL)
"""JSON up to the next NaN outside a text."""


class SentType(NamedTuple):
    """The media type of a body, in lower case, and its parameters without `charset`."""

    media_type: str
    parameters: Mapping[str, str]


def sent_type(
    accepted: Collection[str] = (JSON,), parameters: Mapping[str, Mapping[str, Collection[str]]] = NO_PARAMETERS
) -> SentType:
    """The type of the body: JSON where the client names none. `parameters` has the parameters of types by their values.

    Raises Problem for a type or a parameter that is not accepted, or for a charset other than UTF-8.
    """
    media_type = request.mimetype or JSON
    others = dict(request.mimetype_params)
    charset = others.pop("charset", _UTF_8[0]).lower()
    known = parameters.get(media_type, {})
    are_known = all(value in known.get(name, ()) for name, value in others.items())
    if media_type not in accepted or charset not in _UTF_8 or not are_known:
        detail = f"Send {', '.join(accepted)}, in UTF-8."
        raise Problem("unsupported-media-type", detail, accepted=[*accepted])
    return SentType(media_type, others)


def read_payload() -> Any:
    """Read and parse a JSON body, whatever its type is called. NaN is null.

    Raises Problem, TooManyValues, orjson.JSONDecodeError, or RequestEntityTooLarge.
    """
    return parse_json(read_plain_body())


def read_plain_body() -> bytes:
    """Read a body with records that is not compressed. Raises Problem or RequestEntityTooLarge."""
    require_identity()
    body = read_bytes()
    keep_for_log(body)
    return body


def parse_json(body: bytes) -> Any:
    """Parse JSON in which NaN is null. Raises TooManyValues or orjson.JSONDecodeError."""
    return orjson.loads(without_nan(body, check_values(body)))


def check_values(body: bytes) -> int:
    """The most values that a body may have. Raises TooManyValues where JSON, of one value or of many, has more."""
    limit: int = max(MAX_VALUES, VALUES_A_ROW * current_request().app.config["MAX_BATCH_ROWS"])
    if has_more_values(body, limit):
        raise TooManyValues(limit)
    return limit


def without_nan(body: bytes, most: int) -> bytes:
    """JSON with null in place of the bare word NaN, which pandas and Triton's client write for a gap.

    At most so many are replaced: text with more is no JSON of so many values.
    """
    if b"NaN" not in body:
        return body
    parts, end = list[bytes](), 0
    # Match after match from where the last one ended: a search would start again behind each byte of a broken text.
    while len(parts) < 2 * most and (match := _UP_TO_NAN.match(body, end)):
        parts += [body[end : match.end() - len(b"NaN")], b"null"]
        end = match.end()
    return b"".join([*parts, body[end:]])


def require_object(payload: Any) -> dict[str, Any]:
    """The payload, where it is an object. Raises Problem."""
    if not isinstance(payload, dict):
        raise malformed("The body must be a JSON object.")
    return payload


def malformed(detail: str, *path: str | int) -> Problem:
    """The problem of a body that has not the form of its protocol, at a place in it."""
    return Problem("bad-request", detail, errors=body_errors([Fault("malformed", detail, path=path)]))
