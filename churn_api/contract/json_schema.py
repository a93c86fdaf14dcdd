"""Signature -> JSON Schema of a record, for the OpenAPI document.

Made directly from the signature, since the document may cover thousands of models and is made during a request. A test
checks that it agrees with the Marshmallow schema.
"""

from typing import Any

from churn_api.contract.fields import IDENTIFIER_TYPES
from churn_api.contract.record_schema import describe, identifier_names, special_values, value_range
from churn_api.contract.signature import Feature, Signature

IDENTIFIER_SCHEMA = {"description": "Comes back as it was sent.", "anyOf": IDENTIFIER_TYPES}


def record_json_schema(signature: Signature, identifier: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a record; `identifier` is the schema of its identifier, or a `$ref` to it."""
    names = identifier_names(signature)
    schema = {
        "type": "object",
        "properties": {feature.name: _property(feature) for feature in signature.features}
        | dict.fromkeys(names, identifier),
        "required": sorted(feature.name for feature in signature.features if feature.required),
        "additionalProperties": False,
    }
    if not schema["required"]:
        del schema["required"]
    once = {"not": {"properties": {name: {} for name in names}, "required": list(names)}}
    return schema | (once if len(names) > 1 else {})


def _property(feature: Feature) -> dict[str, Any]:
    closed = feature.choices is not None and not feature.open
    schema: dict[str, Any] = {"type": feature.type} | special_values(feature)
    if feature.nullable:
        kinds = schema["type"]
        schema["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
    if feature.type in ("integer", "number"):
        schema["minimum"], schema["maximum"] = value_range(feature)
    if closed:
        schema["enum"] = [*(feature.choices or ()), *([None] if feature.nullable else [])]
    elif feature.type == "string":
        schema["minLength"], schema["maxLength"] = 1, feature.max_length
    return schema | describe(feature)
