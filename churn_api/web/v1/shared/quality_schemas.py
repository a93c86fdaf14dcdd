"""Schemas of `/models/<model>/quality`."""

from marshmallow import Schema, fields, validate

from churn_api.monitoring.live_figures import MIN_EACH
from churn_api.monitoring.quality_document import MEASURED
from churn_api.monitoring.quality_windows import MAX_WINDOWS
from churn_api.monitoring.watch_document import TOO_FEW
from churn_api.web.core.schemas import QuerySchema
from churn_api.web.v1.shared.estimate_schema import EstimateSchema
from churn_api.web.v1.shared.watch_schemas import ExpectedQualitySchema


class QualityQuerySchema(QuerySchema):
    """Query string of /models/<model>/quality."""

    days = fields.Integer(
        validate=validate.Range(1, 366),
        metadata={"description": "Length of a window in days; by default windows are calendar months."},
    )


class ReliabilitySchema(Schema):
    """Customers with similar probabilities: a tenth of all."""

    predicted = fields.Float(required=True, metadata={"description": "Their mean probability.", "example": 0.31})
    observed = fields.Nested(EstimateSchema, required=True)
    predictions = fields.Integer(required=True, metadata={"example": 704})


class QualityWindowSchema(Schema):
    """Predictions of consecutive days whose outcomes are known."""

    start = fields.Date(required=True, metadata={"example": "2026-06-01"})
    end = fields.Date(required=True, metadata={"description": "The last day.", "example": "2026-06-30"})
    predictions = fields.Integer(required=True, metadata={"example": 7043})
    leavers = fields.Integer(required=True, metadata={"example": 1869})
    rate = fields.Nested(EstimateSchema, required=True, metadata={"description": "The share that left."})
    mean_probability = fields.Float(required=True, metadata={"example": 0.262})
    state = fields.String(
        required=True,
        validate=validate.OneOf([MEASURED, TOO_FEW]),
        metadata={
            "description": f"`{TOO_FEW}`: with fewer than {MIN_EACH} leavers, or {MIN_EACH} loyal customers, the "
            "figures below would say more of chance than of the model, and are left out."
        },
    )
    roc_auc = fields.Nested(EstimateSchema, metadata={"description": "The interval is DeLong's."})
    brier = fields.Nested(EstimateSchema)
    ece = fields.Float(
        metadata={"description": "Mean gap between predicted and observed rate, over ten groups.", "example": 0.021}
    )
    calibration = fields.Nested(
        EstimateSchema, metadata={"description": "The share that left less the mean probability; 0 is right."}
    )
    precision = fields.Nested(
        EstimateSchema,
        allow_none=True,
        metadata={
            "description": "Of customers predicted to leave, by the threshold of each answer, the share that did."
        },
    )
    recall = fields.Nested(EstimateSchema, metadata={"description": "Of leavers, the share that was predicted to."})
    reliability = fields.List(fields.Nested(ReliabilitySchema))
    expected = fields.Nested(
        ExpectedQualitySchema, metadata={"description": "What the same probabilities let one expect, without outcomes."}
    )


class VersionQualitySchema(Schema):
    """A version, as the live one, as the challenger of an experiment, or as what a request names."""

    version = fields.String(required=True, metadata={"example": "2"})
    variant = fields.String(required=True, metadata={"example": "live"})
    horizon_days = fields.Integer(
        required=True, allow_none=True, metadata={"description": "`target.horizon_days` of the card.", "example": 30}
    )
    trained = fields.Dict(
        keys=fields.String(),
        values=fields.Float(),
        required=True,
        metadata={
            "description": "What training measured.",
            "example": {"roc_auc": 0.847, "brier": 0.135},
        },
    )
    alert = fields.Boolean(
        required=True,
        metadata={
            "description": "Whether the ROC-AUC of the latest measured window is below that of training by more than "
            "both vary by chance."
        },
    )
    without_identifier = fields.Integer(
        required=True, metadata={"description": "Predictions that no outcome can name; they do not count."}
    )
    windows = fields.List(
        fields.Nested(QualityWindowSchema),
        required=True,
        metadata={"description": f"Of customers who were not called: the latest {MAX_WINDOWS}, the oldest first."},
    )
    contacted = fields.List(
        fields.Nested(QualityWindowSchema),
        required=True,
        metadata={"description": "Of customers whom the company called: calling changes what becomes of them."},
    )


class QualitySchema(Schema):
    """Response of /models/<model>/quality."""

    model_name = fields.String(required=True, metadata={"example": "telco"})
    live = fields.String(required=True, allow_none=True, metadata={"description": "The live version.", "example": "2"})
    complete_until = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "Everyone who left up to this day is reported.", "example": "2026-07-31"},
    )
    unknown_outcomes = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Outcomes of customers or requests without a logged prediction.", "example": 12},
    )
    alert = fields.Boolean(required=True, metadata={"description": "Whether the live version alarms."})
    versions = fields.List(fields.Nested(VersionQualitySchema), required=True)
    advice = fields.List(fields.String(), required=True, metadata={"description": "What is missing, and what to do."})
