"""Tokens for keys."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api.web.core.app_services import services
from churn_api.web.core.auth import caller
from churn_api.web.core.body import Members
from churn_api.web.core.declaration import ANY_KEY
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import Problem
from churn_api.web.v1.shared.token_schemas import TokenAnswerSchema, TokenRequestSchema

blueprint = Blueprint("token", __name__)


@blueprint.post("/token")
@operation(
    "Access",
    access=ANY_KEY,
    limit="management",
    body=TokenRequestSchema,
    response=TokenAnswerSchema,
    id="createToken",
)
def make_token(body: Members) -> ResponseReturnValue:
    """Exchange an API key for a token that is valid for minutes, with the same scopes or some of them."""
    found = caller()
    if found.by_token:
        raise Problem("missing-scope", "A token is made from a key, not from a token.", scope=ANY_KEY)
    asked = body.values.get("scopes")
    scopes = found.scopes if asked is None else frozenset(asked)
    if not scopes <= found.scopes:
        missing = min(scopes - found.scopes)
        raise Problem("missing-scope", f"The key does not have the scope {missing!r}.", scope=missing)
    tokens = services().tokens
    return jsonify(
        {
            "access_token": tokens.make(found, scopes),
            "token_type": "Bearer",  # nosec B105
            "expires_in": tokens.seconds,
            "scope": " ".join(sorted(scopes)),
        }
    )
