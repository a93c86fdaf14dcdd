"""Signature -> msgspec structs, which decode and validate a body's bytes in one pass.

They accept a strict subset of what record.py accepts, with the same values; record.py validates what they reject.
record_decoder.py checks whether identifiers are printable, once for all records.
"""

import math
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from churn_api.contract.fields import INT64, MAX_IDENTIFIER_LENGTH
from churn_api.contract.record_schema import identifier_names, value_range
from churn_api.contract.signature import Feature, Signature

_TEXT_IDENTIFIER = Meta(min_length=1, max_length=MAX_IDENTIFIER_LENGTH)
_INTEGER_IDENTIFIER = Meta(ge=INT64[0], le=INT64[1])
IdentifierValue = Annotated[str, _TEXT_IDENTIFIER] | Annotated[int, _INTEGER_IDENTIFIER]
"""A record's identifier; whether its characters are printable is checked elsewhere."""
_Identifier = IdentifierValue | None | UnsetType

_NEVER = Annotated[float, Meta(ge=1, le=0)]
"""A type that accepts no value, not even null, so that record.py validates the feature."""


def record_struct(signature: Signature, *, as_in_training: bool = False) -> type[msgspec.Struct]:
    """A struct whose fields are the features in order, then the identifier under each of its names.

    `as_in_training` leaves only numbers that give no warning of being outside the range that training saw.
    """
    features = [
        (
            f"f{index}",
            msgspec.structs.replace(feature, outside="refuse") if as_in_training and _warns(feature) else feature,
        )
        for index, feature in enumerate(signature.features)
    ]
    identifiers = [(f"id{index}", name) for index, name in enumerate(identifier_names(signature))]
    fields: list[Any] = [_field(attribute, feature) for attribute, feature in features]
    fields += [
        (attribute, IdentifierValue | None | UnsetType if _can_be_named(name) else _NEVER, UNSET)
        for attribute, name in identifiers
    ]
    sent = {attribute: feature.name for attribute, feature in features} | dict(identifiers)
    names = {attribute: name if _can_be_named(name) else f"\x7f{attribute}" for attribute, name in sent.items()}
    return msgspec.defstruct("Record", fields, rename=names, kw_only=True, forbid_unknown_fields=True, gc=False)


def list_struct(member: str, item: Any) -> type[msgspec.Struct]:
    """A struct with one member, a list of items."""
    return msgspec.defstruct("List", [(member, list[item])], forbid_unknown_fields=True, gc=False)


def _warns(feature: Feature) -> bool:
    return feature.type in ("integer", "number") and feature.observed is not None


def _can_be_literal(choice: str | float) -> bool:
    """Whether msgspec can match a choice: a text, or an integer of 64 bits."""
    return isinstance(choice, str) or (isinstance(choice, int) and INT64[0] <= choice <= INT64[1])


def _can_be_named(name: str) -> bool:
    """Whether msgspec can match a field's name. Other fields get an impossible name, and accept no value."""
    return '"' not in name and "\\" not in name


def _field(attribute: str, feature: Feature) -> tuple[Any, ...]:
    kind = _type(feature) if _can_be_named(feature.name) else _NEVER
    if feature.nullable and kind is not _NEVER:
        kind = kind | None
    return (attribute, kind) if feature.required else (attribute, kind, None)


def _type(feature: Feature) -> Any:
    if feature.choices is not None and not feature.open:
        return Literal[feature.choices] if all(map(_can_be_literal, feature.choices)) else _NEVER
    low, high = value_range(feature)
    match feature.type:
        case "boolean":
            return bool | Literal[feature.labels] if feature.labels else bool
        case "string":
            return Annotated[str, Meta(min_length=1, max_length=feature.max_length)]
        case "integer":
            return _integer_type(max(math.ceil(low), INT64[0]), min(math.floor(high), INT64[1]))
        case "date":
            return date
        case "number":
            return Annotated[float, Meta(ge=low, le=high)]


def _integer_type(low: int, high: int) -> Any:
    """Integers in a range; no value where the range is empty for msgspec."""
    return Annotated[int, Meta(ge=low, le=high)] if low <= high else _NEVER
