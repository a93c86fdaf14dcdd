"""The OpenAPI document, derived from the declared operations, the settings, and the signatures of the live models."""

from collections.abc import Iterator
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from churn_api import __version__
from churn_api.registry.live import LiveModels
from churn_api.settings import BY_NAME
from churn_api.web import API_V1
from churn_api.web.core.declaration import Header
from churn_api.web.core.flask_app import Api
from churn_api.web.core.openapi_schema import VERSION
from churn_api.web.core.rate_limits import rates
from churn_api.web.core.response_headers import REQUEST_ID
from churn_api.web.core.schemas import ProblemSchema
from churn_api.web.pages.shared.openapi_examples import problem_example
from churn_api.web.pages.shared.openapi_models import document_models
from churn_api.web.pages.shared.openapi_operation import SCHEMES, operation_object
from churn_api.web.pages.shared.openapi_responses import headers_of, problems_of
from churn_api.web.pages.shared.openapi_route import Route
from churn_api.web.v1.shared.prediction_schemas import ScoredOfManySchema

TAGS = {
    "Predict": "Who is likely to leave: one customer, or many.",
    "Jobs": "Files of any size, scored in the background.",
    "Models": "The models, their versions, and which version is live.",
    "Predictions": "The log of what was predicted.",
    "Experiments": "Two versions of a model side by side, and which of them is better.",
    "Access": "Tokens in place of keys.",
    "Protocols": "What clients of other serving systems send, and the answers that they expect.",
    "Health": "Whether the service is alive, ready and well.",
    "Service": "What this service is.",
    "Older addresses": "Deprecated forms of the same, for clients that were written against them.",
}
BOUNDS = ("MAX_BATCH_ROWS", "MAX_CONTENT_LENGTH", "MAX_JOB_BYTES", "MAX_BUNDLE_BYTES")
"""Settings that limit what a client may send."""

_TITLE = "Churn API"
_DESCRIPTION = "Calibrated churn probabilities, validated by the signature that each model was trained with."


def build_document(app: Api, live: LiveModels) -> dict[str, Any]:
    """The OpenAPI document of an application and its live models. Loads no model."""
    models = document_models(live)
    spec = APISpec(_TITLE, __version__, VERSION, plugins=[MarshmallowPlugin()], info=_info(app))
    spec.components.schema("Problem", schema=ProblemSchema)
    spec.components.schema("Scored", schema=ScoredOfManySchema)
    for name, scheme in SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    routes = [
        Route(app, rule, models) for rule in app.url_map.iter_rules() if app.operations[rule.endpoint].tag is not None
    ]
    for code in dict.fromkeys(code for route in routes for code in problems_of(route.operation)):
        spec.components.example(code, problem_example(code, f"{API_V1}/predict"))
    for header in dict.fromkeys(headers_of(route.operation for route in routes)):
        spec.components.header(header.name, _header(header))
    spec.components.parameter(REQUEST_ID.name, "header", _header(REQUEST_ID))
    for route, identifier in _with_operation_ids(routes):
        spec.path(route.path, operations={route.method: operation_object(route, identifier)})
    for tag in dict.fromkeys((*TAGS, *(str(route.operation.tag) for route in routes))):
        spec.tag({"name": tag, "description": TAGS.get(tag, f"{tag}.")})
    document = spec.to_dict()
    document["components"]["schemas"] |= models.schemas
    return document


def _info(app: Api) -> dict[str, Any]:
    limits = rates(app)
    lines = [f"- {name}: {rate} for each caller" for name, rate in limits.items()]
    lines += [f"- {BY_NAME[name].help.rstrip('.')}: {app.config[name]:,}" for name in BOUNDS]
    return {
        "description": "\n".join([_DESCRIPTION, "", "Limits in force here:", "", *lines]),
        "contact": _contact(app.config["CONTACT"]),
        "x-limits": limits | {name.lower(): app.config[name] for name in BOUNDS},
    }


def _contact(contact: str) -> dict[str, str]:
    """The contact object: the CONTACT setting as URL or e-mail address."""
    name = {"name": "Who runs this service"}
    if not contact:
        return name
    return name | ({"url": contact} if "://" in contact else {"email": contact})


def _header(header: Header) -> dict[str, Any]:
    return {"description": header.description, "schema": {"type": "string"}, "example": header.example}


def _with_operation_ids(routes: list[Route]) -> Iterator[tuple[Route, str]]:
    """Each route with a unique operation id: a view may have several URL rules."""
    taken: set[str] = set()
    for route in sorted(routes, key=lambda route: (len(route.rule.arguments), route.rule.rule)):
        name = route.operation.id or _camel_case(route.rule.endpoint.rpartition(".")[2])
        if name in taken:
            name += "WithModel" if route.names_model else "OfV1" if route.path.startswith(API_V1) else "Alias"
        taken.add(name)
        yield route, name


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
