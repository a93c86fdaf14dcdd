"""Schemas of `/token`."""

from marshmallow import Schema, fields, validate

from churn_api.access.caller import SCOPES
from churn_api.web.core.schemas import BodySchema


class TokenRequestSchema(BodySchema):
    """Body of /token. Without a body the token gets all scopes of the key."""

    optional = True

    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES, error=f"Scopes are {', '.join(SCOPES)}.")),
        validate=validate.Length(1, len(SCOPES)),
    )


class TokenAnswerSchema(Schema):
    """Response of /token (RFC 6749, section 5.1)."""

    access_token = fields.String(required=True, metadata={"example": "eyJhbGciOi…"})
    token_type = fields.String(required=True, metadata={"example": "Bearer"})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds.", "example": 900})
    scope = fields.String(required=True, metadata={"description": "Separated by spaces.", "example": "jobs predict"})
