"""The answer to a request of `/invocations`: JSON, or what `Accept` prefers of SageMaker's forms."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from flask import Response, request

from churn_api.scoring.output import PROBABILITY
from churn_api.tables.formats import CSV, NDJSON
from churn_api.web.core.accept import accepted_types
from churn_api.web.core.declaration import Header
from churn_api.web.core.query import JSON
from churn_api.web.protocols.shared.prediction_objects import prediction_objects

JSON_LINES = "application/jsonlines"

CUSTOM_ATTRIBUTES = Header(
    "X-Amzn-SageMaker-Custom-Attributes", "Comes back as it was sent: at most 1,024 visible characters.", "trace-7f3a"
)
_ATTRIBUTES = re.compile(r"[\x20-\x7e]{0,1024}")

OutputColumns = dict[str, list[Any]]
_encoder = msgspec.json.Encoder()


def invocation_response(columns: OutputColumns, headers: Mapping[str, str]) -> Response:
    """The response with predictions, in the type that `Accept` prefers; JSON where it has none of them.

    `headers` name the model.
    """
    media_type = accepted_types().best_match([*_WRITERS]) or JSON
    # Exactly the type, without a charset: SageMaker's deserializers compare it.
    response = Response(_WRITERS[media_type](columns), headers=dict(headers), content_type=media_type)
    attributes = request.headers.get(CUSTOM_ATTRIBUTES.name)
    if attributes is not None and _ATTRIBUTES.fullmatch(attributes):
        response.headers[CUSTOM_ATTRIBUTES.name] = attributes
    return response


def _as_json(columns: OutputColumns) -> bytes:
    return _encoder.encode({"predictions": prediction_objects(columns)})


def _as_csv(columns: OutputColumns) -> bytes:
    """A probability a line and no header, so that a line of the answer is one of the request."""
    return "".join(f"{probability!r}\n" for probability in columns[PROBABILITY.name]).encode()


def _as_lines(columns: OutputColumns) -> bytes:
    return _encoder.encode_lines(prediction_objects(columns))


_WRITERS: dict[str, Callable[[OutputColumns], bytes]] = {
    JSON: _as_json,
    CSV.media_type: _as_csv,
    JSON_LINES: _as_lines,
    NDJSON.media_type: _as_lines,
}
