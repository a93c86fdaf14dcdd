"""Schemas of a call list: what a job is asked for, and what its list amounts to."""

from typing import Any

import orjson
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from churn_api.contract.feature_attributes import MAX_NAME_LENGTH
from churn_api.scoring.costs import MAX_AMOUNT
from churn_api.serving.call_list_options import MAX_CONTROL_SHARE
from churn_api.web.v1.shared.costs_schemas import JsonNumber

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


class CallListAnswerSchema(Schema):
    """A call list: what was asked for, and once it is finished, what it amounts to if probabilities are right."""

    policy = fields.Integer(required=True, metadata={"description": "Version of the costs.", "example": 3})
    capacity = fields.Integer(required=True, allow_none=True, metadata={"example": 500})
    budget = fields.Float(required=True, allow_none=True, metadata={"example": None})
    control_share = fields.Float(required=True, metadata={"example": 0.1})
    worth_calling = fields.Integer(
        metadata={"description": "Customers whose call gains something, listed or not.", "example": 2870}
    )
    called = fields.Integer(metadata={"example": 500})
    control = fields.Integer(metadata={"example": 52})
    expected_cost = fields.Float(metadata={"description": "Of calls and accepted offers.", "example": 3120.0})
    expected_leavers = fields.Float(metadata={"description": "Of the called, who would leave.", "example": 371.0})
    expected_kept = fields.Float(metadata={"description": "Of these, whom the offer keeps.", "example": 111.3})
    expected_profit = fields.Float(metadata={"example": 19230.0})
    profit_low = fields.Float(metadata={"description": "If the offer keeps 15 % of the leavers.", "example": 8650.0})
    profit_high = fields.Float(metadata={"description": "If it keeps 48 %.", "example": 31900.0})
