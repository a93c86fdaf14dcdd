"""Vectors: records as lists of values in the order of the signature's features, which older clients send.

    {"features": [value, ...], "model_name": "crm", "return_probabilities": true}

A batch has a list of vectors in `features`. A model whose signature has a feature of that name gets records instead.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, NamedTuple, cast

import orjson
from marshmallow import ValidationError, fields

from churn_api.contract.batch import Batch
from churn_api.contract.faults import Fault
from churn_api.contract.json_size import has_longer_list, has_more_values
from churn_api.contract.record import InvalidRecord
from churn_api.contract.signature import Signature
from churn_api.contract.size_limits import TooManyRows
from churn_api.registry.model import Model
from churn_api.registry.model_errors import ModelNotReady, OtherKind, UnknownModel
from churn_api.web.core.app_services import live_models
from churn_api.web.core.body import load_members
from churn_api.web.core.declaration import Operation
from churn_api.web.core.predictions import model_of_request
from churn_api.web.core.problems import Problem, invalid, query_errors
from churn_api.web.core.query import JSON
from churn_api.web.core.request_record import current_request
from churn_api.web.core.schemas import BodySchema

FEATURES = "features"
MAX_VALUES = 1 << 20
"""Values of a body: the vectors of a batch, each of a thousand values."""

_MEMBER = b'"features"'
_SEARCHED_BYTES = 4096
"""How far into a body the member is looked for. All that may come before it is short."""
_TAKEN = ("threshold", "version")
"""Query parameters that apply to vectors."""


def _filled_list(value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise ValidationError("Must be a list of one value or more.")


class VectorsSchema(BodySchema):
    """A body with vectors. Their values are not looked at: there may be more than the limits allow."""

    features = fields.Raw(required=True, validate=_filled_list)
    model_name = fields.String()
    return_probabilities = fields.Boolean(truthy={True}, falsy={False})


class Vectors(NamedTuple):
    """A request with vectors."""

    model: Model
    values: list[Any]
    """The values of one vector, or a list of vectors."""
    with_probabilities: bool | None
    """None where the client does not say."""


def read_vectors(body: bytes, name: str | None, query: dict[str, Any], successor: str, limit: int) -> Vectors | None:
    """The vectors of a body, which `successor` takes as records; None where the body has none.

    `limit` is how many values `features` may have. Raises TooManyRows, Problem with the faults of members and query,
    UnknownModel, UnknownVersion, ModelNotReady, or OtherKind for a tensor model, which reads the same form itself.
    """
    if body.find(_MEMBER, 0, _SEARCHED_BYTES) < 0:
        return None
    payload = _payload(body, limit)
    if payload is None or _is_feature(name):
        return None
    with _deprecated_form(successor) as operation:
        sent_name = payload.get("model_name")
        model = model_of_request(name or (sent_name if isinstance(sent_name, str) else None), query.get("version"))
        _check_query(query, operation.query().defaults)
        members = load_members(VectorsSchema(), payload)
        if name not in (None, members.get("model_name", name)):
            raise InvalidRecord([Fault("not-valid", "The address names another model.", path=("model_name",))])
        return Vectors(model, members[FEATURES], members.get("return_probabilities"))


def batch_of_vectors(model: Model, vectors: Sequence[Any], limit: int, *, many: bool) -> Batch:
    """The records of vectors. Faults have their place in the body. Raises InvalidRecord or TooManyRows."""
    if many and not isinstance(vectors[0], list):
        raise InvalidRecord([Fault("wrong-type", "Must be a list of vectors, each a list.", path=(FEATURES, 0))])
    reader = model.lenient_reader
    batch = reader.read_rows([row if isinstance(row, list) else [row] for row in vectors], limit, ignore_unknown=False)
    positions = {feature: position for position, feature in enumerate(reader.names)}

    def in_body(fault: Fault) -> Fault:
        index, *names = fault.path
        return fault._replace(path=(FEATURES, *((index,) if many else ()), *(positions[str(name)] for name in names)))

    return batch._replace(
        faults=[in_body(fault) for fault in batch.faults], warnings=[in_body(warning) for warning in batch.warnings]
    )


def require_json_answer(accepts: bool) -> None:
    """Raise Problem where the client accepts no JSON, the only form of answers to vectors."""
    if not accepts:
        raise Problem("not-acceptable", f"A body with `{FEATURES}` is answered as {JSON}.")


@contextmanager
def _deprecated_form(successor: str) -> Iterator[Operation]:
    """From here on the request is one of a deprecated operation, unless a tensor model turns out to answer it."""
    record = current_request()
    declared = cast("Operation", record.operation)
    record.operation = replace(declared, successor=successor)
    try:
        yield declared
    except OtherKind:
        record.operation = declared
        raise


def _payload(body: bytes, limit: int) -> dict[str, Any] | None:
    """The object in a body, where it has vectors and is not too large. Raises TooManyRows."""
    if not current_request().app.config["COMPAT_ROUTES"] or has_more_values(body, MAX_VALUES):
        return None
    if has_longer_list(body, limit):
        raise TooManyRows(limit)
    with suppress(orjson.JSONDecodeError):
        payload = orjson.loads(body)
        if isinstance(payload, dict) and FEATURES in payload:
            return payload
    return None


def _is_feature(name: str | None) -> bool:
    """Whether the signature of the model that an address names has a feature of that name."""
    with suppress(UnknownModel, ModelNotReady):
        taken = live_models().files(name or live_models().default).input_contract()
        return isinstance(taken, Signature) and any(feature.name == FEATURES for feature in taken.features)
    return False


def _check_query(query: dict[str, Any], defaults: dict[str, Any]) -> None:
    wrong = [name for name, value in query.items() if name not in _TAKEN and value != defaults.get(name)]
    message = f"A body with `{FEATURES}` takes {' and '.join(_TAKEN)} only."
    if wrong:
        raise invalid(query_errors(Fault("not-valid", message, path=(name,)) for name in wrong))
