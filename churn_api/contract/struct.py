"""Signature -> msgspec structs, which decode and check a body's bytes in one pass.

They accept a strict subset of what record.py accepts, and give the same values; what they reject, record.py judges.
Whether identifiers can be printed they leave to batch.py, which asks it once for all records.
"""

import math
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from churn_api.contract.fields import INT64, MAX_IDENTIFIER_LENGTH
from churn_api.contract.record import bounds, identifier_names
from churn_api.contract.signature import Feature, Signature

_TEXT_IDENTIFIER = Meta(min_length=1, max_length=MAX_IDENTIFIER_LENGTH)
_WHOLE_IDENTIFIER = Meta(ge=INT64[0], le=INT64[1])
_Identifier = Annotated[str, _TEXT_IDENTIFIER] | Annotated[int, _WHOLE_IDENTIFIER] | None | UnsetType

_NEVER = Annotated[float, Meta(ge=1, le=0)]
"""Takes no value, not even null: leaves a feature to record.py."""


def record_struct(signature: Signature) -> type[msgspec.Struct]:
    """A struct whose fields are the features in order, then one for each name of the identifier."""
    features = [(f"f{index}", feature) for index, feature in enumerate(signature.features)]
    identifiers = [(f"id{index}", name) for index, name in enumerate(identifier_names(signature))]
    fields: list[Any] = [_field(attribute, feature) for attribute, feature in features]
    fields += [(attribute, _Identifier if _can_be_named(name) else _NEVER, UNSET) for attribute, name in identifiers]
    sent = {attribute: feature.name for attribute, feature in features} | dict(identifiers)
    names = {attribute: name if _can_be_named(name) else f"\x7f{attribute}" for attribute, name in sent.items()}
    return msgspec.defstruct("Record", fields, rename=names, kw_only=True, forbid_unknown_fields=True, gc=False)


def list_struct(member: str, item: Any) -> type[msgspec.Struct]:
    """A struct of one member, a list of items."""
    return msgspec.defstruct("List", [(member, list[item])], forbid_unknown_fields=True, gc=False)


def _can_be_named(name: str) -> bool:
    """Whether msgspec can match a field's name; another goes by one that no signature allows, and takes no value."""
    return '"' not in name and "\\" not in name


def _field(attribute: str, feature: Feature) -> tuple[Any, ...]:
    kind = _type(feature) if _can_be_named(feature.name) else _NEVER
    if feature.nullable and kind is not _NEVER:
        kind = kind | None
    return (attribute, kind) if feature.required else (attribute, kind, None)


def _type(feature: Feature) -> Any:
    if feature.choices is not None and not feature.open:
        return _NEVER if feature.type == "number" else Literal[feature.choices]
    low, high = bounds(feature)
    match feature.type:
        case "boolean":
            return bool
        case "string":
            return Annotated[str, Meta(min_length=1, max_length=feature.max_length)]
        case "integer":
            return _whole(max(math.ceil(low), INT64[0]), min(math.floor(high), INT64[1]))
        case "number":
            return Annotated[float, Meta(ge=low, le=high)]


def _whole(low: int, high: int) -> Any:
    """Integers within bounds; none where these leave nothing that msgspec can compare."""
    return Annotated[int, Meta(ge=low, le=high)] if low <= high else _NEVER
