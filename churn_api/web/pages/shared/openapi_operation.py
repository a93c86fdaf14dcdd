"""One operation of the OpenAPI document, from the declaration of its view."""

import re
from collections.abc import Iterator
from typing import Any

from churn_api.access.caller import OPEN_SCOPES
from churn_api.settings import OPEN
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.response_headers import REQUEST_ID
from churn_api.web.pages.shared.openapi_request_body import request_body
from churn_api.web.pages.shared.openapi_responses import responses
from churn_api.web.pages.shared.openapi_route import Route
from churn_api.web.v1.shared.job_schemas import JOB_ID

SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}


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
        "responses": dict(responses(route)),
        "security": list(_security(route)),
    }
    if operation.successor:
        entry["deprecated"] = True
    if operation.body:
        entry["requestBody"] = request_body(route)
    return entry


def _security(route: Route) -> Iterator[dict[str, list[str]]]:
    """The security requirements: a key or a token; none for public operations."""
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
        if route.models.names and route.operation.reads_records and route.operation.protocol is None:
            parameter["schema"] = {"type": "string", "enum": route.models.names}
        parameter |= {"example": route.models.example_model, "description": "Name of a model."}
    elif name == "version":
        parameter |= {"example": "1", "description": "Version of a model."}
    elif name == "job":
        parameter |= {"example": JOB_ID, "description": "Id of a job."}
    return parameter
