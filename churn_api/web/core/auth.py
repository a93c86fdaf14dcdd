"""Authentication and authorization, as the endpoint's operation declares them."""

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING

from churn_api.access.caller import ANYONE, GUEST, OPEN_SCOPES, AuthResult, Caller, Denied
from churn_api.access.keys import PREFIX
from churn_api.services import Services
from churn_api.web.core.declaration import ANY_KEY, PUBLIC, Operation
from churn_api.web.core.open_auth import OpenAuth
from churn_api.web.core.problems import Problem
from churn_api.web.core.request_record import RequestRecord, current_request
from churn_api.web.core.urls import route_template

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_BEARER, _BASIC = "bearer ", "basic "
_DETAILS = {
    "missing-credentials": "Send an API key as X-API-Key, or a token as Authorization: Bearer.",
    "invalid-key": "The key is not valid here.",
    "invalid-token": "The token is not valid here.",
}


def authenticate(
    operation: Operation | None, environ: "WSGIEnvironment", services: Services, open_auth: OpenAuth
) -> AuthResult:
    """Authenticate the caller of an operation. Failed credentials are recorded here, and refused by `authorize`."""
    if operation is None or operation.access == PUBLIC:
        return AuthResult(ANYONE, None)
    try:
        named_caller = _by_credentials(environ, services)
    except Denied as denied:
        return AuthResult(ANYONE, denied.code)
    if named_caller is not None:
        return AuthResult(named_caller, None)
    if operation.access in OPEN_SCOPES and open_auth.admits(environ):
        return AuthResult(GUEST, None)
    return AuthResult(ANYONE, "missing-credentials")


def authorize(record: RequestRecord) -> None:
    """Raise Problem where authentication failed, or the caller lacks the operation's scope."""
    (caller, denied), operation = record.auth, record.operation
    if denied is not None:
        raise _unauthorized(denied)
    if caller is ANYONE or operation is None:
        return
    if operation.access != ANY_KEY and operation.access not in caller.scopes:
        raise Problem("missing-scope", f"The scope {operation.access!r} is needed.", scope=operation.access)


def caller() -> Caller:
    """The caller of the current request."""
    return current_request().auth.caller


def actor() -> str:
    """The caller, as the audit log records it."""
    return f"{caller().identity} ({caller().name})"[:128]


def _by_credentials(environ: "WSGIEnvironment", services: Services) -> Caller | None:
    """The caller whose key or token the request has; None without credentials. Raises Denied."""
    key = environ.get("HTTP_X_API_KEY")
    if key is not None:
        return services.key_cache.find(key)
    authorization = environ.get("HTTP_AUTHORIZATION")
    if authorization is None:
        return None
    scheme = authorization.lower()
    if scheme.startswith(_BASIC):
        return services.key_cache.find(_password(authorization[len(_BASIC) :]))
    if not scheme.startswith(_BEARER):
        raise Denied("invalid-token")
    text = authorization[len(_BEARER) :].strip()
    if text.startswith(f"{PREFIX}_"):
        return services.key_cache.find(text)
    token_caller = services.tokens.read(text)
    # A token is valid only while the key that created it is active.
    key_id = token_caller.identity.removeprefix("key:")
    if token_caller.identity.startswith("key:") and not services.key_cache.is_active(key_id):
        raise Denied("invalid-token")
    return token_caller


def _password(text: str) -> str:
    """The password of Basic credentials (RFC 7617), whose user name is ignored. Raises Denied."""
    try:
        return b64decode(text.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError) as error:
        raise Denied("invalid-key") from error


def _unauthorized(code: str) -> Problem:
    challenge = 'Bearer realm="churn-api"'
    if code in ("invalid-token", "token-expired"):
        challenge += ', error="invalid_token"'
    detail = _DETAILS[code] if code in _DETAILS else f"Ask {route_template('token.make_token')} for a new one."
    return Problem(code, detail, headers={"WWW-Authenticate": challenge})
