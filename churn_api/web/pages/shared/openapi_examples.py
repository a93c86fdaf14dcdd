"""Examples in the OpenAPI document, derived from schemas, problems, and the signatures of models."""

from typing import Any

import orjson
from marshmallow import Schema, fields, validate

from churn_api.contract.batch import CUSTOMERS
from churn_api.contract.example import example_record
from churn_api.contract.faults import format_choices
from churn_api.contract.signature import Signature
from churn_api.tables.format import Format
from churn_api.tables.formats import DEFAULT, FORMATS, LINES
from churn_api.web.core.declaration import ErrorContent, WireProtocol
from churn_api.web.core.openapi_schema import csv_example
from churn_api.web.core.problems import KINDS, URN
from churn_api.web.core.response_headers import REQUEST_ID
from churn_api.web.core.schemas import BodyOrFileSchema

EXAMPLE_TIME = "2027-03-01T10:30:00Z"


def example_of(schema: type[Schema] | Schema) -> dict[str, Any]:
    """An example of a schema's JSON object, with every member."""
    made = schema() if isinstance(schema, type) else schema
    return {field.data_key or name: _value(field) for name, field in made.fields.items()}


def problem_example(code: str, path: str) -> dict[str, Any]:
    """An example of a problem response at a path."""
    return {"summary": KINDS[code].title, "value": _problem(code, path)}


def error_example(protocol: WireProtocol, code: str) -> dict[str, Any] | str:
    """An example of an error in the form of another system's protocol."""
    problem = _problem(code, "")
    members = {name: problem[name] for name in ("errors",) if name in problem}
    content = ErrorContent(code, protocol.status_of(problem["status"]), problem["detail"], REQUEST_ID.example, members)
    body = protocol.error_body(content)
    return body if isinstance(body, str) else dict(body)


def record_examples(signature: Signature) -> dict[str, Any]:
    """Example bodies of one customer."""
    full, least = _records(signature)
    return {"everyField": {"value": full}, "requiredFields": {"value": least}}


def batch_examples(signature: Signature) -> dict[str, Any]:
    """An example body of several customers."""
    return {"twoCustomers": {"value": {CUSTOMERS: _records(signature)}}}


def form_example(body: type[BodyOrFileSchema]) -> dict[str, Any]:
    """An example form with a file. Lists are written as text, separated by commas."""
    members = {name: value for name, value in example_of(body).items() if name != body.names_file}
    texts = {name: ",".join(value) if isinstance(value, list) else value for name, value in members.items()}
    return {body.part: "(the bytes of a file)"} | texts


def form_of(rows: list[dict[str, Any]], part: str) -> dict[str, Any]:
    """An example form with a table."""
    return {part: csv_example(rows) if rows else "(the bytes of a file)"}


def text_example(media_type: str, content: str | list[dict[str, Any]]) -> dict[str, Any]:
    """An example of a text file; nothing for other formats."""
    if not content:
        return {}
    if isinstance(content, str):
        return {"example": content}
    if media_type == FORMATS[LINES].media_type:
        return {"example": "".join(orjson.dumps(row).decode() + "\n" for row in content)}
    return {"example": csv_example(content)} if media_type == FORMATS[DEFAULT].media_type else {}


def binary_description(known: Format, content: str | list[dict[str, Any]]) -> str:
    """The description of a binary file: JSON cannot contain an example of one."""
    names = list(content[0]) if isinstance(content, list) and content else []
    return f"{known.content}, with the columns {format_choices(names)}." if names else f"{known.content}."


def _records(signature: Signature) -> list[dict[str, Any]]:
    return [example_record(signature), example_record(signature, required_only=True)]


def table_rows(signature: Signature) -> list[dict[str, Any]]:
    """Example rows of a table, with every column."""
    return [example_record(signature)]


def _problem(code: str, path: str) -> dict[str, Any]:
    kind = KINDS[code]
    problem: dict[str, Any] = {
        "type": URN + code,
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "detail": f"{kind.title}.",
        "instance": path,
        "request_id": REQUEST_ID.example,
    }
    if code == "validation-failed":
        fault = {"pointer": "#/member", "code": "required", "message": "This field is required."}
        problem |= {"detail": "1 field is not valid", "errors": [fault]}
    return problem


_BY_TYPE: dict[type[fields.Field[Any]], Any] = {
    fields.Integer: 1,
    fields.Float: 0.5,
    fields.Boolean: True,
    fields.DateTime: EXAMPLE_TIME,
    fields.Dict: {},
}


def _value(field: fields.Field[Any]) -> Any:
    """A field's declared example, else one that follows from its type."""
    if "example" in field.metadata:
        return field.metadata["example"]
    if isinstance(field, fields.Nested):
        return example_of(field.schema)
    if isinstance(field, fields.List):
        return [_value(field.inner)]
    for check in field.validators:
        if isinstance(check, validate.OneOf):
            return next(iter(check.choices))
    return next((value for kind, value in _BY_TYPE.items() if isinstance(field, kind)), "text")
