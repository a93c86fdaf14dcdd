"""One operation of the OpenAPI document, from the declaration of its view."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from werkzeug.routing import Rule

from churn_api.access.caller import OPEN_SCOPES
from churn_api.config import OPEN
from churn_api.tables.formats import FORMATS, MEDIA_TYPES
from churn_api.web.core.body import FORM
from churn_api.web.core.declaration import PUBLIC, Header, Operation
from churn_api.web.core.flask_app import Api
from churn_api.web.core.problems import CHALLENGE, KINDS, MEDIA_TYPE, RETRY, WHEN_GUARDED
from churn_api.web.core.query import JSON
from churn_api.web.core.rate_limits import LIMIT_HEADERS
from churn_api.web.core.response_headers import REQUEST_ID
from churn_api.web.core.schemas import BodyOrFileSchema, BodySchema
from churn_api.web.pages.shared import openapi_examples as examples
from churn_api.web.pages.shared.openapi_models import DocumentedModels, batch_of
from churn_api.web.v1.shared.batch_options import A_TABLE
from churn_api.web.v1.shared.job_schemas import JOB_ID
from churn_api.web.v1.shared.negotiation import PART
from churn_api.web.v1.shared.prediction_schemas import ScoredSchema

VERSION = "3.1.0"
CONVERTER = OpenAPIConverter(VERSION, lambda _: None, None)  # type: ignore[arg-type]  # asked of nested schemas alone

SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
METHODS = ("GET", "POST", "PUT", "DELETE")
EVERYWHERE = ("internal-error",)
FILE = {"type": "string", "format": "binary"}

_HEADERS_BY_STATUS = {401: (CHALLENGE,), 429: (RETRY, *LIMIT_HEADERS), 503: (RETRY,)}


class Route(NamedTuple):
    """An address of a view, and what the document says of it."""

    app: Api
    rule: Rule
    models: DocumentedModels

    @property
    def operation(self) -> Operation:
        """The view's declaration."""
        return self.app.operations[self.rule.endpoint]

    @property
    def method(self) -> str:
        """In small letters."""
        return next(method.lower() for method in METHODS if method in (self.rule.methods or ()))

    @property
    def path(self) -> str:
        """As OpenAPI writes it."""
        return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", self.rule.rule)

    @property
    def names_model(self) -> bool:
        """Whether the address says which model answers."""
        return "model" in self.rule.arguments


def operation_object(route: Route, identifier: str) -> dict[str, Any]:
    """The operation object of a route."""
    operation = route.operation
    summary, _, description = (route.app.view_functions[route.rule.endpoint].__doc__ or "").strip().partition("\n\n")
    entry: dict[str, Any] = {
        "tags": [operation.tag],
        "summary": summary.rstrip("."),
        "description": re.sub(r"\s+", " ", description).strip() or summary,
        "operationId": identifier,
        "parameters": list(_parameters(route)),
        "responses": dict(_responses(route)),
        "security": list(_security(route)),
    }
    if operation.body:
        entry["requestBody"] = _request_body(route)
    return entry


def problems_of(operation: Operation) -> Iterator[str]:
    """Codes of all problems that an operation can answer, each once."""
    guarded = () if operation.access == PUBLIC else WHEN_GUARDED
    yield from dict.fromkeys((*operation.all_problems(), *guarded, *EVERYWHERE))


def headers_of(operations: Iterable[Operation]) -> Iterator[Header]:
    """Every header of an answer that operations have, as often as they do."""
    yield REQUEST_ID
    for operation in operations:
        yield from operation.response_headers
    yield from LIMIT_HEADERS
    yield from (header for headers in _HEADERS_BY_STATUS.values() for header in headers)


def _security(route: Route) -> Iterator[dict[str, list[str]]]:
    """Either of the two ways to say who calls; none where everyone may call."""
    operation = route.operation
    if operation.access == PUBLIC:
        return
    if route.app.config["AUTH"] == OPEN and operation.access in OPEN_SCOPES:
        yield {}
    for scheme in SCHEMES:
        yield {scheme: []}


def _parameters(route: Route) -> Iterator[dict[str, Any] | str]:
    operation = route.operation
    for argument in sorted(route.rule.arguments):
        yield _path_parameter(route, argument)
    if operation.query().fields:
        yield {"in": "query", "schema": operation.query}
    for header in operation.request_headers:
        schema = {"type": "string"} | ({"pattern": header.pattern} if header.pattern else {})
        yield {
            "in": "header",
            "name": header.name,
            "description": header.description,
            "schema": schema,
            "example": header.example,
        }
    yield REQUEST_ID.name


def _path_parameter(route: Route, name: str) -> dict[str, Any]:
    parameter: dict[str, Any] = {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
    if name == "model":
        if route.models.names and isinstance(route.operation.body, str):
            parameter["schema"] = {"type": "string", "enum": route.models.names}
        parameter |= {"example": route.models.shown, "description": "Name of a model."}
    elif name == "job":
        parameter |= {"example": JOB_ID, "description": "Id of a job."}
    return parameter


def _responses(route: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    operation = route.operation
    limited = LIMIT_HEADERS if operation.limit is not None else ()
    yield (
        str(operation.status),
        {
            "description": "Done.",
            "headers": _references(operation.response_headers + limited),
            "content": dict(_answers(route)),
        },
    )
    by_status: dict[int, list[str]] = {}
    for code in problems_of(operation):
        by_status.setdefault(KINDS[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        content = {"schema": "Problem", "examples": {code: code for code in codes}}
        yield (
            str(status),
            {
                "description": "; ".join(f"{code}: {KINDS[code].title}" for code in codes),
                "headers": _references(_HEADERS_BY_STATUS.get(status, limited)),
                "content": {MEDIA_TYPE: content},
            },
        )


def _references(headers: Iterable[Header]) -> dict[str, Any]:
    return {header.name: {"$ref": f"#/components/headers/{header.name}"} for header in (*headers, REQUEST_ID)}


def _answers(route: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    operation = route.operation
    if isinstance(operation.response, tuple):
        for media_type in operation.response:
            yield media_type, _file(media_type, operation.example)
    elif operation.response is not None:
        yield JSON, {"schema": operation.response, "example": examples.example_of(operation.response)}
    if operation.body == "batch":
        for media_type in MEDIA_TYPES:
            yield media_type, _file(media_type, [examples.example_of(ScoredSchema)])


def _file(media_type: str, content: str | list[dict[str, Any]]) -> dict[str, Any]:
    """A body that is a file, with an example of its text or of its rows; of a binary format, which has none, words."""
    known = next((known for known in FORMATS.values() if known.media_type == media_type), None)
    schema = FILE if known and known.binary else {"type": "string"}
    if known and known.binary:
        schema = schema | {"description": examples.binary_description(known, content)}
    elif known:
        schema = schema | {"description": f"{known.title}."}
    return {"schema": schema} | examples.text_example(media_type, content)


def _request_body(route: Route) -> dict[str, Any]:
    body = route.operation.body
    if isinstance(body, type):
        return {"required": not body.optional, "content": dict(_contents(body))}
    signature, record = route.models.default, route.models.record(named=route.names_model)
    if body == "record":
        shown = {"examples": examples.record_examples(signature)} if signature else {}
        return {"required": True, "content": {JSON: {"schema": record} | shown}}
    batch = batch_of(record, route.app.config["MAX_BATCH_ROWS"])
    shown = {"examples": examples.batch_examples(signature)} if signature else {}
    rows = examples.table_rows(signature) if signature else []
    tables = {media_type: _file(media_type, rows) for media_type in MEDIA_TYPES}
    form = {FORM: _file_form(_form(PART, None), PART, examples.form_of(rows, PART), MEDIA_TYPES)}
    return {"required": True, "content": {JSON: {"schema": batch} | shown} | tables | form}


def _contents(body: type[BodySchema]) -> Iterator[tuple[str, dict[str, Any]]]:
    example = examples.example_of(body)
    if not issubclass(body, BodyOrFileSchema):
        yield JSON, {"schema": body, "example": example}
        return
    # JSON has to say where the file is, which the same members of a form need not.
    yield JSON, {"schema": {"allOf": [body], "required": [body.names_file]}, "example": example}
    yield FORM, _file_form(_form(body.part, body), body.part, examples.form_example(body), ())


def _file_form(
    schema: dict[str, Any], part: str, example: dict[str, Any], media_types: Iterable[str]
) -> dict[str, Any]:
    """A form, with the types that its file may have where its name does not tell."""
    encoding = {"encoding": {part: {"contentType": ", ".join(media_types)}}} if media_types else {}
    return {"schema": schema, "example": example} | encoding


def _form(part: str, body: type[BodyOrFileSchema] | None) -> dict[str, Any]:
    """A form with a file in one part, and beside it the members of a body that do not say where the file is."""
    members: dict[str, Any] = {part: FILE | {"description": body.file if body else A_TABLE}}
    if body is not None:
        written: dict[str, Any] = CONVERTER.schema2jsonschema(body)["properties"]  # type: ignore[no-untyped-call]
        members |= {name: _as_text(schema) for name, schema in written.items() if name != body.names_file}
    return {"type": "object", "required": [part], "properties": members, "additionalProperties": False}


def _as_text(schema: dict[str, Any]) -> dict[str, Any]:
    """A member of a form, which is sent as one text where JSON has a choice."""
    if "anyOf" not in schema:
        return schema
    return {"type": "string", "description": schema["description"]}
