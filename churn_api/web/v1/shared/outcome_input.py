"""The body of `/outcomes`: JSON or a table, and what the OpenAPI document says of it."""

from functools import lru_cache
from typing import Any

import orjson
from flask import current_app

from churn_api.contract.json_schema import IDENTIFIER_SCHEMA, record_json_schema
from churn_api.contract.signature import Signature
from churn_api.contract.size_limits import MAX_COLUMNS, Bounds, TooManyRows
from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.outcome_reader import InvalidOutcomes, Numbered, OutcomeReader
from churn_api.monitoring.outcome_record import OUTCOMES, outcome_signature
from churn_api.tables.format import Format
from churn_api.tables.formats import DEFAULT, FORMATS, LINES, MEDIA_TYPES
from churn_api.tables.scratch import scratch_folder
from churn_api.web.core.body import read_body
from churn_api.web.core.openapi_schema import csv_example
from churn_api.web.core.problems import Problem, more_errors
from churn_api.web.core.query import JSON
from churn_api.web.v1.shared.batch_tables import save_body
from churn_api.web.v1.shared.negotiation import body_format

MAX_OUTCOMES = 10_000
"""Outcomes of one request: writing them takes the database a second."""


_EXAMPLE: list[dict[str, Any]] = [
    {"customer_id": "CUST001", "left": True, "on": "2026-06-12"},
    {"customer_id": "CUST002", "left": False, "on": "2026-06-30"},
]


def describe_outcomes(record: dict[str, Any], signature: Signature | None, max_rows: int) -> dict[str, Any]:
    """The OpenAPI content of the body."""
    outcome = record_json_schema(outcome_signature(signature), IDENTIFIER_SCHEMA)
    listed = {"type": "array", "minItems": 1, "maxItems": MAX_OUTCOMES, "items": outcome}
    schema = {"type": "object", "required": [OUTCOMES], "properties": {OUTCOMES: listed}, "additionalProperties": False}
    return {JSON: {"schema": schema, "examples": {OUTCOMES: {"value": {OUTCOMES: _EXAMPLE}}}}} | {
        known.media_type: _file(known) for known in FORMATS.values()
    }


def _file(known: Format) -> dict[str, Any]:
    words = f"{known.content or known.title}, with the columns {', '.join(_EXAMPLE[0])}."
    schema = {"type": "string", "description": words} | ({"format": "binary"} if known.binary else {})
    if known.name == DEFAULT:
        return {"schema": schema, "example": csv_example(_EXAMPLE)}
    if known.name == LINES:
        return {"schema": schema, "example": "".join(orjson.dumps(row).decode() + "\n" for row in _EXAMPLE)}
    return {"schema": schema}


def read_outcomes(signature: Signature, keys: CustomerKeys) -> Numbered:
    """The outcomes in the body, each with its position. Raises Problem with every fault."""
    reader = _reader(signature, keys)
    try:
        return _read(reader)
    except TooManyRows as error:
        detail = f"A request may have {error.limit} outcomes: send several, or use `churn-api outcomes load`."
        raise Problem("too-large", detail, limit=error.limit) from error
    except InvalidOutcomes as error:
        errors = [fault._asdict() for fault in error.errors]
        raise Problem("validation-failed", str(error), errors=errors, **more_errors(error.more)) from error


def _read(reader: OutcomeReader) -> Numbered:
    table_format = body_format()
    if table_format is None:
        return reader.read_json(read_body(MEDIA_TYPES), MAX_OUTCOMES)
    # Imported here: workers without tables never load pyarrow.
    from churn_api.tables.layout import open_table

    with scratch_folder() as folder:
        bounds = Bounds(current_app.config["MAX_CONTENT_LENGTH"], MAX_OUTCOMES, MAX_COLUMNS)
        layout = open_table(save_body(folder), table_format, folder, bounds)
        return [row for rows in reader.read_table(layout, MAX_OUTCOMES) for row in rows]


@lru_cache(maxsize=16)
def _reader(signature: Signature, keys: CustomerKeys) -> OutcomeReader:
    """Making one takes longer than reading."""
    return OutcomeReader(signature, keys)
