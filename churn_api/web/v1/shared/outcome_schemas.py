"""Schemas of outcomes: queries, the body of `/outcomes/complete`, and responses."""

from marshmallow import Schema, fields, validate

from churn_api.web.core.schemas import BodySchema, QuerySchema

MAX_POSITIONS = 100
"""Positions of odd rows that a response lists of each kind."""


class OutcomesQuerySchema(QuerySchema):
    """Query string of /outcomes and /outcomes/complete."""

    model = fields.String(
        validate=validate.Length(1, 64), metadata={"description": "Name of a model; by default the default model."}
    )


class CompleteBodySchema(BodySchema):
    """Body of POST /outcomes/complete."""

    until = fields.Date(
        required=True,
        metadata={"description": "Everyone who left up to this day is reported.", "example": "2026-06-30"},
    )


class CompleteSchema(Schema):
    """Response of /outcomes/complete."""

    model_name = fields.String(required=True, metadata={"example": "telco"})
    complete_until = fields.Date(required=True, metadata={"example": "2026-06-30"})


class OddRowsSchema(Schema):
    """Positions of odd rows: from 0 in a list, row numbers of a table. The first 100 of each kind."""

    replaced = fields.List(fields.Integer())
    repeated = fields.List(fields.Integer())
    contradictory = fields.List(fields.Integer())
    late = fields.List(fields.Integer())


class ReceiptSchema(Schema):
    """Response of /outcomes: how many rows were new, and which are odd."""

    model_name = fields.String(required=True, metadata={"example": "telco"})
    received = fields.Integer(required=True, metadata={"example": 3})
    stored = fields.Integer(required=True, metadata={"description": "New rows.", "example": 2})
    unchanged = fields.Integer(required=True, metadata={"description": "Rows that were reported before.", "example": 1})
    replaced = fields.Integer(
        required=True,
        metadata={"description": "Rows that correct one of the same customer and day.", "example": 0},
    )
    repeated = fields.Integer(
        required=True, metadata={"description": "Rows that stand in this request again.", "example": 0}
    )
    contradictory = fields.Integer(
        required=True,
        metadata={
            "description": "Rows of a customer who, by another row, did the opposite on the same day of this request, "
            "or left on another day. Of two rows for one day the later counts.",
            "example": 0,
        },
    )
    late = fields.Integer(
        required=True,
        metadata={
            "description": "New rows for days that had been declared complete: figures are computed again.",
            "example": 0,
        },
    )
    positions = fields.Nested(OddRowsSchema, required=True)
