"""Signature -> Marshmallow schema of a record: the only source of validation rules and error messages."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema

from churn_api.contract.dates import day_of
from churn_api.contract.faults import Fault, format_choices
from churn_api.contract.feature_attributes import FLOAT32_MAX, IDENTIFIER, Observed
from churn_api.contract.fields import (
    EXACT_INTEGERS,
    IDENTIFIER_TYPES,
    Boolean,
    Date,
    Identifier,
    InLength,
    InRange,
    Integer,
    KnownChoice,
    Number,
    Text,
    format_number,
)
from churn_api.contract.signature import Feature, Signature, tolerated_range

_REQUIRED = [Fault("required", "This field is required.")]
_NULL = [Fault("null", "Must not be null.")]
_FIELD_TYPES: dict[str, type[fields.Field[Any]]] = {
    "integer": Integer,
    "number": Number,
    "boolean": Boolean,
    "string": Text,
    "date": Date,
}


class RecordSchema(Schema):
    """Base of every record's schema: unknown fields are faults, and the identifier is sent once."""

    class Meta:
        unknown = RAISE
        register = False

    identifiers: frozenset[str] = frozenset()
    attributes: tuple[str, ...] = ()

    @validates_schema(skip_on_field_errors=False)
    def _identifier_once(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if len(self.identifiers & data.keys()) > 1:
            fault = Fault("sent-twice", "The identifier is sent twice, under two names.", "Send one of them.")
            raise ValidationError([fault], IDENTIFIER)


def record_schema(signature: Signature) -> RecordSchema:
    """The schema of a record of `signature`.

    Attributes are `f0`, `f1`, … and `id0`, `id1`: not every feature name is a valid Schema attribute.
    """
    features = {f"f{index}": feature for index, feature in enumerate(signature.features)}
    identifiers = {f"id{index}": name for index, name in enumerate(identifier_names(signature))}
    body: dict[str, Any] = {key: _feature_field(feature) for key, feature in features.items()}
    body |= {key: _identifier_field(name) for key, name in identifiers.items()}
    body |= {"identifiers": frozenset(identifiers), "attributes": tuple(features)}
    schema: RecordSchema = type("GeneratedRecordSchema", (RecordSchema,), body)()
    return schema


def value_range(feature: Feature) -> tuple[float, float]:
    """The least and the greatest valid number: as declared, as training saw if others are refused, or of its type."""
    low, high = EXACT_INTEGERS if feature.type == "integer" else (-FLOAT32_MAX, FLOAT32_MAX)
    low = low if feature.minimum is None else feature.minimum
    high = high if feature.maximum is None else feature.maximum
    if feature.outside == "refuse":
        least, most = tolerated_range(feature)
        low, high = max(low, least), min(high, most)
    return low, high


def identifier_names(signature: Signature) -> tuple[str, ...]:
    """The names under which a client may send the identifier."""
    return tuple(dict.fromkeys(name for name in (IDENTIFIER, signature.identifier) if name))


def observed_range(feature: Feature, observed: Observed) -> tuple[str, str]:
    """The least and the greatest value that training saw, as texts: numbers, or dates from the earliest."""
    if feature.reference is None:
        return format_number(observed.minimum), format_number(observed.maximum)
    reference = date.fromisoformat(feature.reference)
    return str(day_of(observed.maximum, reference)), str(day_of(observed.minimum, reference))


def describe(feature: Feature) -> dict[str, str]:
    """JSON Schema's `description` of a feature; empty where there is nothing to say."""
    parts = [feature.description] if feature.description else []
    if feature.observed is not None:
        parts.append(f"Training saw {' to '.join(observed_range(feature, feature.observed))}.")
    if feature.open:
        parts.append(f"Training saw {format_choices(feature.choices or ())}; others are scored with a warning.")
    return {"description": " ".join(parts)} if parts else {}


def special_values(feature: Feature) -> dict[str, Any]:
    """JSON Schema of values that the name of the type does not describe: dates, and labels of a boolean."""
    if feature.type == "date":
        return {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}
    if feature.labels:
        label = "string" if isinstance(feature.labels[0], str) else "integer"
        allowed = [True, False, *feature.labels, *([None] if feature.nullable else [])]
        return {"type": ["boolean", label], "enum": allowed}
    return {}


def _identifier_field(name: str) -> Identifier:
    metadata = {"description": "Comes back as it was sent.", "anyOf": IDENTIFIER_TYPES}
    return Identifier(data_key=name, allow_none=True, metadata=metadata)


def _feature_field(feature: Feature) -> fields.Field[Any]:
    own: dict[str, Any] = {"labels": feature.labels, "reference": feature.reference}
    return _FIELD_TYPES[feature.type](
        **{name: value for name, value in own.items() if value},
        data_key=feature.name,
        required=feature.required,
        allow_none=feature.nullable,
        error_messages={"required": _REQUIRED, "null": _NULL},
        validate=list(_validators(feature)),
        metadata=special_values(feature) | describe(feature),
    )


def _validators(feature: Feature) -> Iterator[Any]:
    if feature.type in ("integer", "number"):
        yield InRange(*value_range(feature))
    if feature.choices is not None and not feature.open:
        yield KnownChoice(feature.choices)
    elif feature.type == "string":
        yield InLength(1, feature.max_length)
