"""The request body of an operation in the OpenAPI document: JSON, a table, or a form with a file."""

from collections.abc import Iterable, Iterator
from typing import Any

from churn_api.tables.formats import MEDIA_TYPES
from churn_api.web.core.body import FORM
from churn_api.web.core.openapi_schema import json_schema_of
from churn_api.web.core.query import JSON
from churn_api.web.core.schemas import BodyOrFileSchema, BodySchema
from churn_api.web.pages.shared import openapi_examples as examples
from churn_api.web.pages.shared.openapi_file import FILE, file_content
from churn_api.web.pages.shared.openapi_models import batch_of
from churn_api.web.pages.shared.openapi_route import Route
from churn_api.web.pages.shared.openapi_tensors import with_tensors
from churn_api.web.v1.shared.batch_options import A_TABLE
from churn_api.web.v1.shared.negotiation import PART


def request_body(route: Route) -> dict[str, Any]:
    """The request body object of a route."""
    body = route.operation.body
    if isinstance(body, type) and issubclass(body, BodySchema):
        return {"required": not body.optional, "content": dict(_contents(body))}
    signature, record = route.models.default, route.models.record(named=route.names_model)
    max_rows: int = route.app.config["MAX_BATCH_ROWS"]
    if route.operation.describe_body is not None:
        return {"required": True, "content": route.operation.describe_body(record, signature, max_rows)}
    if body == "record":
        shown = {"examples": examples.record_examples(signature)} if signature else {}
        return {"required": True, "content": with_tensors(route, {"schema": record} | shown)}
    batch = batch_of(record, max_rows)
    shown = {"examples": examples.batch_examples(signature)} if signature else {}
    json = with_tensors(route, {"schema": batch} | shown)
    if body == "customers":
        return {"required": True, "content": json}
    rows = examples.table_rows(signature) if signature else []
    tables = {media_type: file_content(media_type, rows) for media_type in MEDIA_TYPES}
    form = {FORM: _file_form(_form(PART, None), PART, examples.form_of(rows, PART), MEDIA_TYPES)}
    return {"required": True, "content": json | tables | form}


def _contents(body: type[BodySchema]) -> Iterator[tuple[str, dict[str, Any]]]:
    example = examples.example_of(body)
    if not issubclass(body, BodyOrFileSchema):
        yield JSON, {"schema": body, "example": example}
        return
    # In JSON the member that names the file is required; a form contains the file itself.
    yield JSON, {"schema": {"allOf": [body], "required": [body.names_file]}, "example": example}
    yield FORM, _file_form(_form(body.part, body), body.part, examples.form_example(body), ())


def _file_form(
    schema: dict[str, Any], part: str, example: dict[str, Any], media_types: Iterable[str]
) -> dict[str, Any]:
    """A form, with the media types that its file may have."""
    encoding = {"encoding": {part: {"contentType": ", ".join(media_types)}}} if media_types else {}
    return {"schema": schema, "example": example} | encoding


def _form(part: str, body: type[BodyOrFileSchema] | None) -> dict[str, Any]:
    """The schema of a form: a file in one part, and the members of a body, without the one that names the file."""
    members: dict[str, Any] = {part: FILE | {"description": body.file if body else A_TABLE}}
    if body is not None:
        written = json_schema_of(body)["properties"]
        members |= {name: _as_text(schema) for name, schema in written.items() if name != body.names_file}
    return {"type": "object", "required": [part], "properties": members, "additionalProperties": False}


def _as_text(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a form field: a string where the JSON member has several types."""
    if "anyOf" not in schema:
        return schema
    return {"type": "string", "description": schema["description"]}
