"""Schemas of a call list: what a job is asked for, and what its list amounts to."""

from typing import Any

import orjson
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from churn_api.contract.feature_attributes import MAX_NAME_LENGTH
from churn_api.scoring.costs import MAX_AMOUNT
from churn_api.serving.call_list_options import MAX_CONTROL_SHARE
from churn_api.web.v1.shared.costs_schemas import JsonNumber
from churn_api.web.v1.shared.estimate_schema import EstimateSchema

MAX_CAPACITY = 10**9


class CallListSchema(Schema):
    """A list of customers to call, in place of the scores of all."""

    class Meta:
        unknown = RAISE

    capacity = fields.Integer(
        strict=True,
        validate=validate.Range(1, MAX_CAPACITY),
        metadata={"description": "At most so many calls.", "example": 500},
    )
    budget = JsonNumber(
        validate=validate.Range(0, MAX_AMOUNT, min_inclusive=False),
        metadata={"description": "What the calls, with accepted offers, may cost on average.", "example": 5000},
    )
    value_column = fields.String(
        validate=validate.Length(1, MAX_NAME_LENGTH),
        metadata={
            "description": "Column of the table that says what each customer is worth, in place of the `value`, "
            "`months` and `margin` of the costs.",
            "example": "monthly_charges",
        },
    )
    control_share = JsonNumber(
        load_default=0.0,
        validate=validate.Range(0, MAX_CONTROL_SHARE),
        metadata={
            "description": "Share of the list that is not to be called, chosen at random, to see what calling changes.",
            "example": 0.1,
        },
    )


class CallListField(fields.Nested):
    """The members of a call list; in a form, their JSON."""

    def _deserialize(self, value: Any, *others: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError as error:
                raise ValidationError("Must be JSON.") from error
        if not isinstance(value, dict):
            raise ValidationError("Must be an object.")
        return super()._deserialize(value, *others, **kwargs)


def _forecast(example: float, description: str) -> fields.Float:
    return fields.Float(allow_none=True, metadata={"description": description, "example": example})


class CallListAnswerSchema(Schema):
    """A call list: what was asked for, and once it is finished, what it amounts to if probabilities are right.

    The expected amounts are null where `calibration` is off by more than chance.
    """

    policy = fields.Integer(required=True, metadata={"description": "Version of the costs.", "example": 3})
    capacity = fields.Integer(required=True, allow_none=True, metadata={"example": 500})
    budget = fields.Float(required=True, allow_none=True, metadata={"example": None})
    control_share = fields.Float(required=True, metadata={"example": 0.1})
    worth_calling = fields.Integer(
        metadata={"description": "Customers whose call gains something, listed or not.", "example": 2870}
    )
    called = fields.Integer(metadata={"example": 500})
    control = fields.Integer(metadata={"example": 52})
    expected_cost = _forecast(3120.0, "Of calls and accepted offers.")
    expected_leavers = _forecast(371.0, "Of the called, who would leave.")
    expected_kept = _forecast(111.3, "Of these, whom the offer keeps.")
    expected_profit = _forecast(19230.0, "Of calling them.")
    profit_low = _forecast(8650.0, "If the offer keeps 15 % of the leavers.")
    profit_high = _forecast(31900.0, "If it keeps 48 %.")
    calibration = fields.Nested(
        EstimateSchema,
        allow_none=True,
        metadata={
            "description": "The share of customers that left less the mean probability, in the latest month with "
            "enough outcomes when the list was made; null before there is one.",
            "example": None,
        },
    )
