"""Schemas of `/predictions`."""

from marshmallow import Schema, fields, validate

from churn_api.contract.fields import MAX_IDENTIFIER_LENGTH
from churn_api.registry.variants import LIVE_VARIANT
from churn_api.scoring.output import PROBABILITY
from churn_api.settings import MAX_KEEP_DAYS
from churn_api.web.core.schemas import PlainInteger, QuerySchema

_IDENTIFIER = validate.Length(1, MAX_IDENTIFIER_LENGTH)


class LoggedQuerySchema(QuerySchema):
    """Query string of GET /predictions."""

    request_id = fields.String(
        validate=validate.Length(1, 128),
        metadata={"description": "Id of a request or a job.", "example": "3f2a9c0d5b7e4c1a8d6f0e2b9a7c5d31"},
    )
    customer_id = fields.String(validate=_IDENTIFIER, metadata={"description": "Identifier of a customer."})
    days = PlainInteger(
        load_default=30, validate=validate.Range(1, MAX_KEEP_DAYS), metadata={"description": "How many days back."}
    )
    limit = PlainInteger(load_default=100, validate=validate.Range(1, 1000))


class EraseQuerySchema(QuerySchema):
    """Query string of DELETE /predictions."""

    needs_parameters = True

    customer_id = fields.String(
        required=True, validate=_IDENTIFIER, metadata={"description": "Identifier of the customer."}
    )


class LoggedPredictionSchema(Schema):
    """One prediction of the log."""

    at = fields.DateTime(required=True, metadata={"description": "Of a job: when it was submitted."})
    request_id = fields.String(required=True, allow_none=True, metadata={"description": "Of a job: its id."})
    row = fields.Integer(required=True, metadata={"description": "Position among the customers sent, from 0."})
    model_name = fields.String(required=True, metadata={"example": "default"})
    model_version = fields.String(required=True, metadata={"example": "1"})
    variant = fields.String(required=True, metadata={"example": LIVE_VARIANT})
    churn_prediction = fields.Integer(required=True, allow_none=True, metadata={"example": 1})
    churn_probability = fields.Float(required=True, metadata={**PROBABILITY.schema, "example": 0.73})
    threshold = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "The prediction is churn from here; null where it differs by customer.",
            "example": 0.5,
        },
    )
    record = fields.Dict(metadata={"description": "The features, where LOG_PREDICTIONS was `records`.", "example": {}})


class LoggedPredictionsSchema(Schema):
    """Response of GET /predictions."""

    predictions = fields.List(fields.Nested(LoggedPredictionSchema), required=True)
    count = fields.Integer(required=True)


class ErasedSchema(Schema):
    """Response of DELETE /predictions."""

    erased_until = fields.DateTime(
        required=True, metadata={"description": "All that was predicted for the customer before this moment is erased."}
    )
