"""Problems: all error codes of the API in one table, and their response (RFC 9457)."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from flask import Response, request

from churn_api.contract.faults import Fault
from churn_api.web.core.declaration import ErrorContent, Header, WireProtocol
from churn_api.web.core.request_record import current_request
from churn_api.web.core.urls import mount_prefix

MEDIA_TYPE = "application/problem+json"
URN = "urn:churn-api:problem:"
RETRY_AFTER = 5
"""Seconds after which a client may retry a 503."""
RETRY = Header("Retry-After", "Seconds after which to retry.", str(RETRY_AFTER))
CHALLENGE = Header("WWW-Authenticate", "How to authenticate (RFC 6750).", 'Bearer realm="churn-api"')

FAILED = "The log has the rest under the request id."


class Kind(NamedTuple):
    """The status and the title of a problem."""

    status: int
    title: str


KINDS = {
    "bad-request": Kind(400, "The request cannot be understood"),
    "malformed-json": Kind(400, "The body is not valid JSON"),
    "malformed-table": Kind(400, "The body is not a complete table"),
    "malformed-image": Kind(400, "The file is no image that can be read"),
    "missing-credentials": Kind(401, "Credentials are needed"),
    "invalid-key": Kind(401, "The key is not valid"),
    "token-expired": Kind(401, "The token has expired"),
    "invalid-token": Kind(401, "The token is not valid"),
    "missing-scope": Kind(403, "The caller may not do this"),
    "not-found": Kind(404, "There is nothing at this address"),
    "unknown-model": Kind(404, "There is no such model"),
    "unknown-version": Kind(404, "The model has no such version"),
    "unknown-report": Kind(404, "The version has no report"),
    "unknown-explanation": Kind(404, "The version has no explanation"),
    "unknown-baseline": Kind(404, "The version has no baseline"),
    "unknown-costs": Kind(404, "The model has no costs"),
    "unknown-job": Kind(404, "There is no such job"),
    "unknown-experiment": Kind(404, "There is no such experiment"),
    "method-not-allowed": Kind(405, "The method is not allowed here"),
    "not-acceptable": Kind(406, "No accepted type can be answered"),
    "conflict": Kind(409, "The state of things does not allow it"),
    "too-large": Kind(413, "The request is too large"),
    "uri-too-long": Kind(414, "The address is too long"),
    "unsupported-media-type": Kind(415, "The type of the body is not supported"),
    "range-not-satisfiable": Kind(416, "The file has no such part"),
    "expectation-failed": Kind(417, "What the request expects cannot be met"),
    "validation-failed": Kind(422, "The request is not valid"),
    "other-kind-of-model": Kind(422, "The model does not do this"),
    "not-computable": Kind(422, "The model cannot compute with these inputs"),
    "rate-limited": Kind(429, "Too many requests"),
    "quota-exceeded": Kind(429, "Too much of this key waits"),
    "headers-too-large": Kind(431, "The headers are too large"),
    "internal-error": Kind(500, "Something went wrong here"),
    "not-implemented": Kind(501, "The transfer coding is not supported"),
    "model-not-ready": Kind(503, "The model cannot answer yet"),
    "draining": Kind(503, "The server stops soon"),
    "dependency-unavailable": Kind(503, "Something that this needs cannot be reached"),
    "gateway-timeout": Kind(504, "The answer takes too long"),
    "http-version-not-supported": Kind(505, "The version of HTTP is not supported"),
}

WHEN_PREDICTING = ("unknown-version", "other-kind-of-model", "model-not-ready", "gateway-timeout")
"""Codes of problems that predictions can have, in addition to invalid requests."""

WHEN_NOT_READY = ("model-not-ready", "draining", "dependency-unavailable")
"""Codes of problems that readiness probes can have."""

WHEN_GUARDED = (
    "missing-credentials",
    "invalid-key",
    "token-expired",
    "invalid-token",
    "missing-scope",
    "dependency-unavailable",
)
"""Codes of problems of operations that need authentication."""


class Problem(Exception):
    """Ends a request with a problem response. `members` are further members of its JSON object."""

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.members = members


def invalid(errors: list[dict[str, Any]], more: int = 0, detail: str = "") -> Problem:
    """The problem of an invalid request, with entries of `errors`; `more` is the number of faults not listed.

    `detail` says what is wrong, for clients that show nothing else.
    """
    count = len(errors) + more
    counted = f"{count} {'field is' if count == 1 else 'fields are'} not valid"
    return Problem("validation-failed", detail or counted, errors=errors, **more_errors(more))


def more_errors(count: int) -> dict[str, Any]:
    """The member `more_errors`; nothing where all faults are listed."""
    return {"more_errors": count} if count else {}


def body_errors(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Faults of a body as entries of `errors`, each with a JSON Pointer."""
    return [_entry("pointer", fault.pointer, fault) for fault in faults]


def query_errors(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Faults of the query string as entries of `errors`, each with the parameter's name."""
    return [_entry("parameter", str(fault.path[0]), fault) for fault in faults]


def response_for(problem: Problem) -> Response:
    """The response for a problem."""
    kind = KINDS[problem.code]
    record = current_request()
    record.problem = problem.code
    if record.operation is not None and record.operation.protocol is not None:
        return _in_protocol(problem, kind, record.operation.protocol)
    body = {
        "type": URN + problem.code,
        "title": kind.title,
        "status": kind.status,
        "code": problem.code,
        "detail": problem.detail,
        "instance": mount_prefix() + request.path,
        "request_id": record.request_id,
        **problem.members,
    }
    if record.operation is not None and record.operation.successor:
        body["error"] = kind.title  # older clients read it, and `detail`
    return Response(
        orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE),
        kind.status,
        dict(problem.headers),
        content_type=MEDIA_TYPE,
    )


def _in_protocol(problem: Problem, kind: Kind, protocol: WireProtocol) -> Response:
    status = protocol.status_of(kind.status)
    content = ErrorContent(problem.code, status, problem.detail, current_request().request_id, problem.members)
    body = protocol.error_body(content)
    if isinstance(body, str):
        return Response(body, status, dict(problem.headers), content_type="text/plain; charset=utf-8")
    return Response(orjson.dumps(body), status, dict(problem.headers), content_type="application/json")


def server_problem(code: str, request_id: str) -> dict[str, Any]:
    """The JSON object of a problem that the server returns itself, before the application runs. Has no request data."""
    title, status = KINDS[code].title, KINDS[code].status
    detail = FAILED if code == "internal-error" else f"{title}."
    return {
        "type": URN + code,
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id,
    }


def _entry(key: str, location: str, fault: Fault) -> dict[str, Any]:
    entry = {key: location, "code": fault.code, "message": fault.message}
    return entry if fault.hint is None else entry | {"hint": fault.hint}
