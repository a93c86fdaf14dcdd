"""The OpenAPI document, written from what is loaded: routes, their declarations, and the signatures of the models."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from werkzeug.routing import Rule

from churn_api import __version__
from churn_api.access.caller import OPEN_SCOPES
from churn_api.config import OPEN
from churn_api.contract.batch import CUSTOMERS
from churn_api.contract.example import example_record
from churn_api.contract.record import identifier_names
from churn_api.contract.signature import Signature
from churn_api.registry.live import LiveModels
from churn_api.registry.model import Model
from churn_api.tables.formats import MEDIA_TYPES
from churn_api.web.core.body import FORM
from churn_api.web.core.declaration import PUBLIC, Operation
from churn_api.web.core.flask_app import Api
from churn_api.web.core.problems import KINDS, MEDIA_TYPE, WHEN_GUARDED
from churn_api.web.core.query import JSON
from churn_api.web.core.schemas import Body, BodyOrFile, ProblemAnswer
from churn_api.web.v1.shared.negotiation import PART
from churn_api.web.v1.shared.schemas import Scored

VERSION = "3.1.0"
TAGS = ("Predict", "Jobs", "Models", "Access", "Health", "Service")
METHODS = ("GET", "POST", "PUT", "DELETE")
EVERYWHERE = ("internal-error",)

_TITLE = "Churn API"
_DESCRIPTION = "Calibrated churn probabilities, validated by the signature that each model was trained with."


_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}


def build_document(app: Api, live: LiveModels) -> dict[str, Any]:
    """The document of an application's routes and its ready models."""
    spec = APISpec(
        _TITLE,
        __version__,
        VERSION,
        plugins=[MarshmallowPlugin()],
        info={"description": _DESCRIPTION},
        tags=[{"name": tag} for tag in TAGS],
    )
    spec.components.schema("Problem", schema=ProblemAnswer)
    spec.components.schema("Scored", schema=Scored)
    for name, scheme in _SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    for model in live.ready.values():
        _add_components(spec, model)
    for rule in app.url_map.iter_rules():
        operation = app.operations[rule.endpoint]
        if operation.tag is not None:
            for path, answering in _paths(rule, operation, live):
                spec.path(path, operations=_operations(app, rule, operation, live, answering))
    return spec.to_dict()


def _paths(rule: Rule, operation: Operation, live: LiveModels) -> Iterator[tuple[str, Model | None]]:
    """A route whose body depends on the model stands once for each model, with that model's own schema."""
    if operation.body is None or not isinstance(operation.body, str):
        yield re.sub(r"<(\w+)>", r"{\1}", rule.rule), None
    elif "<model>" in rule.rule:
        for name, model in live.ready.items():
            yield rule.rule.replace("<model>", name), model
    else:
        yield rule.rule, live.ready.get(live.default)


def _operations(
    app: Api, rule: Rule, operation: Operation, live: LiveModels, model: Model | None
) -> dict[str, dict[str, Any]]:
    method = next(method.lower() for method in METHODS if method in (rule.methods or ()))
    view = app.view_functions[rule.endpoint]
    summary, _, description = (view.__doc__ or "").strip().partition("\n\n")
    described: dict[str, Any] = {
        "tags": [operation.tag],
        "summary": summary.rstrip("."),
        "description": re.sub(r"\s+", " ", description).strip(),
        "operationId": _operation_id(rule, model),
        "parameters": [*_parameters(operation), *_path_parameters(rule, operation, live)],
        "responses": dict(_responses(operation)),
    }
    if operation.body:
        described["requestBody"] = _request_body(operation, model)
    if operation.access != PUBLIC:
        described["security"] = list(_security(app, operation))
    return {method: described}


def _security(app: Api, operation: Operation) -> Iterator[dict[str, list[str]]]:
    """Either of the two ways to say who calls; none at all where the door is open."""
    if app.config["AUTH"] == OPEN and operation.access in OPEN_SCOPES:
        yield {}
    for scheme in _SCHEMES:
        yield {scheme: []}


def _operation_id(rule: Rule, model: Model | None) -> str:
    """Unique: a view may stand under several routes, and a route under several models."""
    path = rule.rule if model is None else rule.rule.replace("<model>", model.card.name)
    method = next(method.lower() for method in METHODS if method in (rule.methods or ()))
    return f"{method}_" + (re.sub(r"\W+", "_", path).strip("_") or "root")


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    return [{"in": "query", "schema": operation.query}] if operation.query().fields else []


def _path_parameters(rule: Rule, operation: Operation, live: LiveModels) -> list[dict[str, Any]]:
    if "<job>" in rule.rule:
        return [{"in": "path", "name": "job", "required": True, "schema": {"type": "string"}}]
    if isinstance(operation.body, str) or "<model>" not in rule.rule:
        return []
    schema = {"type": "string", "enum": live.names} if live.names else {"type": "string"}
    example = {"example": live.names[0]} if live.names else {}
    return [{"in": "path", "name": "model", "required": True, "schema": schema, **example}]


def _responses(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    answer = operation.answer
    content: dict[str, Any] = _files(answer) if isinstance(answer, tuple) else {JSON: {"schema": answer}}
    if operation.body == "batch":
        content |= _files(MEDIA_TYPES)
    yield str(operation.status), {"description": "Done.", "content": content}
    by_status: dict[int, list[str]] = {}
    guarded = () if operation.access == PUBLIC else WHEN_GUARDED
    for code in dict.fromkeys((*operation.all_problems(), *guarded, *EVERYWHERE)):
        by_status.setdefault(KINDS[code].status, []).append(code)
    for status, codes in by_status.items():
        told = "; ".join(f"{code}: {KINDS[code].title}" for code in codes)
        yield str(status), {"description": told, "content": {MEDIA_TYPE: {"schema": "Problem"}}}


def _request_body(operation: Operation, model: Model | None) -> dict[str, Any]:
    if isinstance(operation.body, type):
        return {"required": not operation.body.optional, "content": _contents(operation.body)}
    if model is None:
        return {"required": True, "content": {JSON: {"schema": {"type": "object"}}}}
    name = ("Record_" if operation.body == "record" else "Batch_") + model.card.name
    content = {JSON: {"schema": name, "examples": _examples(operation, model)}}
    if operation.body == "batch":
        content |= _files(MEDIA_TYPES) | {FORM: _form(PART)}
    return {"required": True, "content": content}


def _contents(body: type[Body]) -> dict[str, Any]:
    content: dict[str, Any] = {JSON: {"schema": body}}
    if issubclass(body, BodyOrFile):
        content[FORM] = _form(body.part)
    return content


def _files(media_types: Iterable[str]) -> dict[str, Any]:
    return {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in media_types}


def _form(part: str) -> dict[str, Any]:
    """A form with a file in one part."""
    file = {"type": "string", "format": "binary"}
    return {"schema": {"type": "object", "required": [part], "properties": {part: file}}}


def _examples(operation: Operation, model: Model) -> dict[str, Any]:
    signature = model.card.signature
    full, least = example_record(signature), example_record(signature, required_only=True)
    if operation.body == "batch":
        return {"two customers": {"value": {CUSTOMERS: [full, least]}}}
    return {"every field": {"value": full}, "required fields": {"value": least}}


def _add_components(spec: APISpec, model: Model) -> None:
    name = model.card.name
    spec.components.schema(f"Record_{name}", schema=model.reader.records.schema)
    spec.components.schemas[f"Record_{name}"] |= _identifier_once(model.card.signature)
    items = {"type": "array", "minItems": 1, "items": {"$ref": f"#/components/schemas/Record_{name}"}}
    batch = {
        "type": "object",
        "required": [CUSTOMERS],
        "properties": {CUSTOMERS: items},
        "additionalProperties": False,
    }
    spec.components.schema(f"Batch_{name}", batch)


def _identifier_once(signature: Signature) -> dict[str, Any]:
    names = list(identifier_names(signature))
    return {"not": {"required": names}} if len(names) > 1 else {}
