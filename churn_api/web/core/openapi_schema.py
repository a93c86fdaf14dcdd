"""Marshmallow schemas as JSON Schema, for the OpenAPI document."""

from typing import Any

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema

VERSION = "3.1.0"
_CONVERTER = OpenAPIConverter(VERSION, lambda _: None, None)  # type: ignore[arg-type]  # only nested schemas use it


def json_schema_of(schema: type[Schema]) -> dict[str, Any]:
    """The JSON Schema of a Marshmallow schema without nested ones."""
    written: dict[str, Any] = _CONVERTER.schema2jsonschema(schema)  # type: ignore[no-untyped-call]
    return written
