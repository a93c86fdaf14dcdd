"""The responses of an operation in the OpenAPI document."""

from collections.abc import Iterable, Iterator
from typing import Any

from churn_api.tables.formats import MEDIA_TYPES
from churn_api.web.core.declaration import PUBLIC, Header, Operation, WireProtocol
from churn_api.web.core.deprecation import DEPRECATION, LINK
from churn_api.web.core.problems import CHALLENGE, KINDS, MEDIA_TYPE, RETRY, WHEN_GUARDED
from churn_api.web.core.query import JSON
from churn_api.web.core.rate_limits import LIMIT_HEADERS
from churn_api.web.core.response_headers import REQUEST_ID
from churn_api.web.pages.shared import openapi_examples as examples
from churn_api.web.pages.shared.openapi_file import file_content, other_file_content
from churn_api.web.pages.shared.openapi_route import Route
from churn_api.web.pages.shared.openapi_tensors import response_schema
from churn_api.web.v1.shared.prediction_schemas import ScoredSchema

ALWAYS_POSSIBLE = ("internal-error",)


_HEADERS_BY_STATUS = {401: (CHALLENGE,), 429: (RETRY, *LIMIT_HEADERS), 503: (RETRY,)}


def problems_of(operation: Operation) -> Iterator[str]:
    """The codes of all problems that an operation can return, each once."""
    guarded = () if operation.access == PUBLIC else WHEN_GUARDED
    yield from dict.fromkeys((*operation.all_problems(), *guarded, *ALWAYS_POSSIBLE))


def headers_of(operations: Iterable[Operation]) -> Iterator[Header]:
    """The response headers of operations; a header may appear more than once."""
    yield REQUEST_ID
    for operation in operations:
        yield from _own_headers(operation)
    yield from LIMIT_HEADERS
    yield from (header for headers in _HEADERS_BY_STATUS.values() for header in headers)


def responses(route: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    """The response objects of a route, by status."""
    operation = route.operation
    limited = LIMIT_HEADERS if operation.limit is not None else ()
    yield (
        str(operation.status),
        {
            "description": "Done.",
            "headers": _references(_own_headers(operation) + limited),
            "content": dict(_success_contents(route)),
        },
    )
    yield from _problem_responses(route)


def _problem_responses(route: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    operation = route.operation
    limited = LIMIT_HEADERS if operation.limit is not None else ()
    by_status: dict[int, list[str]] = {}
    for code in problems_of(operation):
        by_status.setdefault(_status(operation, code), []).append(code)
    for status, codes in sorted(by_status.items()):
        yield (
            str(status),
            {
                "description": "; ".join(f"{code}: {KINDS[code].title}" for code in codes),
                "headers": _references(_HEADERS_BY_STATUS.get(status, limited)),
                "content": _error_content(operation.protocol, codes),
            },
        )


def _own_headers(operation: Operation) -> tuple[Header, ...]:
    return operation.response_headers + ((DEPRECATION, LINK) if operation.successor else ())


def _status(operation: Operation, code: str) -> int:
    status = KINDS[code].status
    return status if operation.protocol is None else operation.protocol.status_of(status)


def _error_content(protocol: WireProtocol | None, codes: list[str]) -> dict[str, Any]:
    """The media type objects of errors: problems, or errors in the form of another system's protocol."""
    if protocol is None:
        return {MEDIA_TYPE: {"schema": "Problem", "examples": {code: code for code in codes}}}
    bodies = {code: examples.error_example(protocol, code) for code in codes}
    texts = {code: {"value": body} for code, body in bodies.items() if isinstance(body, str)}
    objects = {code: {"value": body} for code, body in bodies.items() if code not in texts}
    content = {JSON: {"schema": protocol.error_schema, "examples": objects}} if objects else {}
    return content | ({"text/plain": {"schema": {"type": "string"}, "examples": texts}} if texts else {})


def _references(headers: Iterable[Header]) -> dict[str, Any]:
    return {header.name: {"$ref": f"#/components/headers/{header.name}"} for header in (*headers, REQUEST_ID)}


def _success_contents(route: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    operation = route.operation
    if isinstance(operation.response, tuple):
        for media_type in operation.response:
            yield media_type, file_content(media_type, operation.example)
    elif operation.response is not None:
        schema = response_schema(route, operation.response)
        yield JSON, {"schema": schema, "example": examples.example_of(operation.response)}
    for media_type, words in operation.or_files.items():
        yield media_type, other_file_content(media_type, words)
    if operation.body == "batch":
        for media_type in MEDIA_TYPES:
            yield media_type, file_content(media_type, [examples.example_of(ScoredSchema)])
