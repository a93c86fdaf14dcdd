"""The route `/token`."""

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
    """Exchange an API key for a short-lived token, with all or some of the key's scopes."""
    key_holder = caller()
    if key_holder.by_token:
        raise Problem("missing-scope", "A token is made from a key, not from a token.", scope=ANY_KEY)
    requested = body.values.get("scopes")
    scopes = key_holder.scopes if requested is None else frozenset(requested)
    if not scopes <= key_holder.scopes:
        missing = min(scopes - key_holder.scopes)
        raise Problem("missing-scope", f"The key does not have the scope {missing!r}.", scope=missing)
    tokens = services().tokens
    return jsonify(
        {
            "access_token": tokens.make(key_holder, scopes),
            "token_type": "Bearer",  # nosec B105
            "expires_in": tokens.seconds,
            "scope": " ".join(sorted(scopes)),
        }
    )
