"""Schemas of reasons: the members of a response whose query has `reasons` or `what_if`."""

from typing import get_args

from marshmallow import Schema, fields, validate

from churn_api.scoring.explanation import Method


class ReasonSchema(Schema):
    """One reason of a prediction."""

    feature = fields.String(
        required=True, metadata={"description": "A feature, or a group of them.", "example": "contract"}
    )
    value = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"description": "The record's value; of a group, an object.", "example": "Month-to-month"},
    )
    contribution = fields.Float(
        required=True, metadata={"description": "What it adds to the total.", "example": 0.71234567}
    )
    points = fields.Float(
        required=True,
        metadata={
            "description": "Percentage points that the probability would lack without it. They do not add up.",
            "example": 13.91,
        },
    )
    text = fields.String(
        required=True,
        metadata={
            "description": "In words about the model, in the language of `Accept-Language`. Reasons are no causes.",
            "example": "contract is Month-to-month: raises the risk",
        },
    )


class BaseSchema(Schema):
    """Members of a response whose query has `reasons` that are the same for all customers."""

    base = fields.Float(metadata={"description": "The mean of the training rows.", "example": -1.21})
    reasons_method = fields.String(
        validate=validate.OneOf(get_args(Method)), metadata={"description": "Whether contributions are estimates."}
    )


class ReasonsSchema(Schema):
    """Members of one customer's prediction where the query has `reasons`."""

    reasons = fields.List(
        fields.Nested(ReasonSchema), metadata={"description": "Strongest first; equal ones in the signature's order."}
    )
    others = fields.Float(metadata={"description": "What all other features add together.", "example": 0.1})
    log_odds = fields.Float(
        metadata={
            "description": "The total: base, contributions and others add up to it exactly, as decimal numbers.",
            "example": -0.39765433,
        }
    )
    probability = fields.Float(
        metadata={"description": "The total in place of log_odds, where contributions are parts of the probability."}
    )


class ChangeSchema(Schema):
    """A feature that is changed."""

    feature = fields.String(required=True, metadata={"example": "contract"})
    value = fields.Raw(required=True, allow_none=True, metadata={"example": "One year"})


class VariantSchema(Schema):
    """The record with one or two changes."""

    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    probability = fields.Float(
        required=True, metadata={"description": "What the model gives the changed record.", "example": 0.41}
    )
    points = fields.Float(
        required=True, metadata={"description": "Percentage points less than for the record.", "example": -42.1}
    )
    text = fields.String(required=True, metadata={"example": "With contract = One year the model answers 41.0 %"})


class WhatIfSchema(Schema):
    """Members of a response whose query has `what_if`."""

    what_if = fields.List(
        fields.Nested(VariantSchema),
        metadata={
            "description": "Changes of features that the signature calls actionable, the lowest probability first. "
            "They are what the model answers, not what a change would cause."
        },
    )
