"""Schema of a figure that is known within an interval."""

from marshmallow import Schema, fields


class EstimateSchema(Schema):
    """A figure with its 95 % interval."""

    value = fields.Float(required=True, metadata={"example": 0.838})
    low = fields.Float(required=True, metadata={"example": 0.824})
    high = fields.Float(required=True, metadata={"example": 0.852})
