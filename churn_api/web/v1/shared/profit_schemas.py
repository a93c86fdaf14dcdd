"""Schemas of `/models/<model>/profit`."""

from marshmallow import Schema, fields

from churn_api.web.v1.shared.estimate_schema import EstimateSchema

_EXAMPLES = {"threshold": 0.164, "called": 3120.0, "called_leavers": 1540.0, "kept": 462.0}


class ProfitAtSchema(Schema):
    """What calling all customers from a threshold on would gain."""

    threshold = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Null where no probability reaches it.", "example": _EXAMPLES["threshold"]},
    )
    called = fields.Float(required=True, metadata={"example": _EXAMPLES["called"]})
    called_leavers = fields.Float(
        required=True, metadata={"description": "Of the called, who left.", "example": _EXAMPLES["called_leavers"]}
    )
    kept = fields.Float(
        required=True, metadata={"description": "Of these, whom the offer keeps.", "example": _EXAMPLES["kept"]}
    )
    profit = fields.Float(required=True, metadata={"example": 71637.0})
    low = fields.Float(
        required=True, metadata={"description": "Profit at the lower end of `success_band`.", "example": 13500.0}
    )
    high = fields.Float(required=True, metadata={"description": "Profit at its upper end.", "example": 141800.0})


class ProfitPointsSchema(Schema):
    """The profit at four thresholds."""

    costs = fields.Nested(ProfitAtSchema, required=True, metadata={"description": "Where a call begins to gain."})
    card = fields.Nested(ProfitAtSchema, required=True, metadata={"description": "That of the model's card."})
    half = fields.Nested(ProfitAtSchema, required=True, metadata={"description": "A probability of one half."})
    best = fields.Nested(ProfitAtSchema, required=True, metadata={"description": "The best one in hindsight."})


class ProfitCurveSchema(Schema):
    """Profit by threshold: four lists of 101 numbers."""

    threshold = fields.List(fields.Float(), required=True, metadata={"example": [0.0, 0.01, 1.0]})
    profit = fields.List(fields.Float(), required=True, metadata={"example": [48310.0, 52007.0, 0.0]})
    low = fields.List(fields.Float(), required=True, metadata={"example": [-4955.0, -1280.0, 0.0]})
    high = fields.List(fields.Float(), required=True, metadata={"example": [112200.0, 115900.0, 0.0]})


class ProfitSchema(Schema):
    """Response of /models/<model>/profit. Amounts are in the currency of the costs."""

    model_name = fields.String(required=True, metadata={"example": "telco"})
    model_version = fields.String(required=True, metadata={"example": "2"})
    basis = fields.String(
        required=True,
        metadata={"description": "What the customers are, as in the report.", "example": "cross-validation"},
    )
    policy = fields.Integer(required=True, metadata={"description": "Version of the costs.", "example": 3})
    customers = fields.Integer(required=True, metadata={"description": "Evaluated customers.", "example": 7043})
    leavers = fields.Float(required=True, metadata={"description": "Of these, who left.", "example": 1869})
    value = fields.Float(required=True, metadata={"description": "What a kept customer is worth.", "example": 200.0})
    value_is_typical = fields.Boolean(
        required=True,
        metadata={
            "description": "Whether that differs by customer, and the median of the training rows stands for all."
        },
    )
    success = fields.Float(
        required=True, metadata={"description": "Share of leavers that the offer keeps.", "example": 0.3}
    )
    success_is_measured = fields.Boolean(
        required=True,
        metadata={"description": "Whether control groups have shown it; else it is that of the costs."},
    )
    success_band = fields.List(
        fields.Float(),
        required=True,
        metadata={
            "description": "What it may be: the interval of the measurement, or what is usual.",
            "example": [0.15, 0.48],
        },
    )
    empc = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "Expected maximum profit for each customer, with the amounts of its authors, to compare "
            "versions by; null for older bundles.",
            "example": 10.33,
        },
    )
    calibration = fields.Nested(
        EstimateSchema,
        required=True,
        allow_none=True,
        metadata={
            "description": "The share of customers that left less the mean probability, in the latest month with "
            "enough outcomes; null before there is one.",
            "example": None,
        },
    )
    forecast_per_1000 = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "Profit to be expected of a thousand customers. Null where `calibration` is off by more "
            "than chance: probabilities are wrong then, and so would be any forecast.",
            "example": 10171.0,
        },
    )
    at = fields.Nested(ProfitPointsSchema, required=True)
    curve = fields.Nested(ProfitCurveSchema, required=True)
