"""Schemas of `/models/<model>/costs`."""

import math
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from churn_api.contract.feature_attributes import MAX_NAME_LENGTH
from churn_api.scoring.costs import MAX_AMOUNT, MAX_MONTHS
from churn_api.web.core.schemas import BodySchema
from churn_api.web.v1.shared.estimate_schema import EstimateSchema


class JsonNumber(fields.Float):
    """A number of JSON; a number in quotes is none, and neither is true."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValidationError("Must be a number.")
        return float(value)


class ValueField(fields.Field[float | str]):
    """What a customer is worth: a number, or the name of a feature."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float | str:
        if isinstance(value, str):
            if not 0 < len(value) <= MAX_NAME_LENGTH:
                raise ValidationError("Must be a number, or the name of a numeric feature.")
            return value
        number = JsonNumber().deserialize(value)
        if not 0 < number <= MAX_AMOUNT:
            raise ValidationError(f"Must be greater than 0 and at most {MAX_AMOUNT:.0f}.")
        return float(number)


_AMOUNT = validate.Range(0, MAX_AMOUNT)
_SHARE = validate.Range(0, 1)
_SHARE_ABOVE_ZERO = validate.Range(0, 1, min_inclusive=False)


class CostsBodySchema(BodySchema):
    """Body of PUT /models/<model>/costs. All amounts are in one currency."""

    offer = JsonNumber(
        required=True, validate=_AMOUNT, metadata={"description": "What an accepted offer costs.", "example": 10}
    )
    contact = JsonNumber(required=True, validate=_AMOUNT, metadata={"description": "What a call costs.", "example": 1})
    value = ValueField(
        required=True,
        metadata={
            "oneOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}],
            "description": "What a kept customer is worth: an amount, or the name of the numeric feature that says it.",
            "example": "monthly_charges",
        },
    )
    success = JsonNumber(
        required=True,
        validate=_SHARE_ABOVE_ZERO,
        metadata={"description": "Share of leavers that the offer keeps.", "example": 0.3},
    )
    acceptance = JsonNumber(
        load_default=1.0,
        validate=_SHARE,
        metadata={
            "description": "Share of loyal customers that take the offer too; by default all, which is cautious.",
            "example": 1,
        },
    )
    months = JsonNumber(
        load_default=1.0,
        validate=validate.Range(0, MAX_MONTHS, min_inclusive=False),
        metadata={
            "description": "How many times the value comes, such as 12 where it is a monthly charge.",
            "example": 12,
        },
    )
    margin = JsonNumber(
        load_default=1.0,
        validate=_SHARE_ABOVE_ZERO,
        metadata={"description": "Share of the value that is earned.", "example": 0.5},
    )


class CostsVersionSchema(Schema):
    """A version of a model's costs."""

    policy = fields.Integer(required=True, metadata={"description": "Its number, which answers name.", "example": 3})
    costs = fields.Nested(
        CostsBodySchema, required=True, allow_none=True, metadata={"description": "Null: from then on there are none."}
    )
    set_at = fields.DateTime(required=True)


class GroupSchema(Schema):
    """A group of customers whose outcome is known."""

    customers = fields.Integer(required=True, metadata={"example": 3600})
    leavers = fields.Integer(required=True, metadata={"example": 1260})


class CallEffectSchema(Schema):
    """What calling changed: of call lists of jobs, those to be called against the control group."""

    called = fields.Nested(GroupSchema, required=True)
    control = fields.Nested(GroupSchema, required=True)
    reduction = fields.Nested(
        EstimateSchema,
        required=True,
        allow_none=True,
        metadata={"description": "By how much calling lowers the share that leaves; null with too few leavers."},
    )
    success = fields.Nested(
        EstimateSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Share of leavers that calling keeps; null with too few leavers."},
    )
    is_measured = fields.Boolean(
        required=True,
        metadata={"description": "Whether both groups have 30 leavers, and the effect is above chance."},
    )


class CostsSchema(Schema):
    """Response of /models/<model>/costs."""

    model_name = fields.String(required=True, metadata={"example": "telco"})
    model_version = fields.String(required=True, metadata={"description": "The live version.", "example": "2"})
    policy = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Number of the version in force.", "example": 3}
    )
    costs = fields.Nested(CostsBodySchema, required=True, allow_none=True)
    decides = fields.Boolean(
        required=True,
        metadata={
            "description": "Whether predictions of the live version follow the costs: they do where there are some, "
            "and the version has the feature that says what a customer is worth."
        },
    )
    threshold = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "Probability from which predictions say churn: where a call begins to gain. Null where it "
            "differs by customer.",
            "example": 0.164,
        },
    )
    measured = fields.Nested(CallEffectSchema, required=True)
    history = fields.List(
        fields.Nested(CostsVersionSchema), required=True, metadata={"description": "The latest, newest first."}
    )
