"""Schemas as JSON Schema, and rows as CSV, for the OpenAPI document."""

import csv
import io
from typing import Any

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema

VERSION = "3.1.0"
_CONVERTER = OpenAPIConverter(VERSION, lambda _: None, None)  # type: ignore[arg-type]  # only nested schemas use it


def json_schema_of(schema: type[Schema]) -> dict[str, Any]:
    """The JSON Schema of a Marshmallow schema without nested ones."""
    written: dict[str, Any] = _CONVERTER.schema2jsonschema(schema)  # type: ignore[no-untyped-call]
    return written


def csv_example(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(str(value).lower() if isinstance(value, bool) else value for value in row.values())
    return text.getvalue()
