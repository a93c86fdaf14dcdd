"""Who sends a request, and whether they may: what a view asks for where it is declared, the guard sees to."""

from typing import TYPE_CHECKING, NamedTuple, cast

from flask import Flask, request

from churn_api.access.caller import PREDICT, Caller, Denied
from churn_api.access.keys import PREFIX
from churn_api.config import OPEN
from churn_api.services import Services
from churn_api.web.core.operation import ANY_KEY, OPERATIONS, Operation
from churn_api.web.core.problems import Problem
from churn_api.web.core.request_record import exchange
from churn_api.web.core.state import services_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ANYONE = Caller("anyone", "anyone", frozenset())
"""Whoever sent no credentials; an open door lets them predict."""

_BEARER = "bearer "
_DETAILS = {
    "missing-credentials": "Send an API key as X-API-Key, or a token as Authorization: Bearer.",
    "invalid-key": "The key is not valid here.",
    "invalid-token": "The token is not valid here.",
    "token-expired": "Ask /api/v1/token for a new one.",
}


class Visit(NamedTuple):
    """What the guard found out of a request."""

    operation: Operation | None
    """What the view declares; None where there is no view, or it declares nothing."""
    caller: Caller
    denied: str | None
    """Why the caller is turned away: the code of a problem."""


def init_app(app: Flask) -> None:
    """Find out, before every request, who it is from."""
    services, opened = services_of(app), app.config["AUTH"] == OPEN
    counted: bool = app.config["RATELIMIT_ENABLED"]

    def identify() -> None:
        """Whoever is turned away is let through to what counts calls, so that attempts are counted too."""
        services.follow()
        found, rule = exchange(), request.url_rule
        view = None if rule is None else app.view_functions.get(rule.endpoint)
        operation = None if view is None else OPERATIONS.get(view)
        found.visit = visited = _visit(operation, found.environ, services, opened)
        found.route = None if rule is None else rule.rule
        if not counted:
            _enforce(visited)

    app.before_request(identify)


def init_enforcement(app: Flask) -> None:
    """Turn away, after what counts calls, who may not call; where none are counted, that is done already."""
    if app.config["RATELIMIT_ENABLED"]:
        app.before_request(lambda: _enforce(visit()))


def visit() -> Visit:
    """What was found out of the current request."""
    return cast("Visit", exchange().visit)


def caller() -> Caller:
    """Whoever sent the current request."""
    return visit().caller


def actor() -> str:
    """The caller as the audit names them."""
    return f"{caller().identity} ({caller().name})"[:128]


def _visit(operation: Operation | None, environ: "WSGIEnvironment", services: Services, opened: bool) -> Visit:
    if operation is None or operation.access is None:
        return Visit(operation, ANYONE, None)
    try:
        found = _by_credentials(environ, services)
    except Denied as denied:
        return Visit(operation, ANYONE, denied.code)
    if found is not None:
        return Visit(operation, found, None)
    return Visit(operation, ANYONE, None if opened and operation.access == PREDICT else "missing-credentials")


def _enforce(visit: Visit) -> None:
    """Raise Problem where the caller was turned away, or may not do this."""
    if visit.denied is not None:
        raise _unauthorized(visit.denied)
    if visit.caller is ANYONE or visit.operation is None:
        return
    needed = visit.operation.access
    if needed is not None and needed != ANY_KEY and needed not in visit.caller.scopes:
        raise Problem("missing-scope", f"The scope {needed!r} is needed.", scope=needed)


def _by_credentials(environ: "WSGIEnvironment", services: Services) -> Caller | None:
    """Whoever the request says it is from; None where it does not say. Raises Denied."""
    key = environ.get("HTTP_X_API_KEY")
    if key is not None:
        return services.ring.find(key)
    authorization = environ.get("HTTP_AUTHORIZATION")
    if authorization is None:
        return None
    if not authorization.lower().startswith(_BEARER):
        raise Denied("invalid-token")
    text = authorization[len(_BEARER) :].strip()
    if text.startswith(f"{PREFIX}_"):
        return services.ring.find(text)
    found = services.tokens.read(text)
    # A token is worth no more than the key that it was made from.
    if found.identity.startswith("key:") and not services.ring.is_active(found.identity.removeprefix("key:")):
        raise Denied("invalid-token")
    return found


def _unauthorized(code: str) -> Problem:
    challenge = 'Bearer realm="churn-api"'
    if code in ("invalid-token", "token-expired"):
        challenge += ', error="invalid_token"'
    return Problem(code, _DETAILS[code], headers={"WWW-Authenticate": challenge})
