"""Schemas of `/models/<model>/watch`."""

from marshmallow import Schema, fields, validate

from churn_api.monitoring.drift import DriftState
from churn_api.monitoring.watch_document import TOO_FEW
from churn_api.monitoring.watch_reader import DEFAULT_DAYS, MAX_DAYS
from churn_api.monitoring.windows import MAX_WINDOWS
from churn_api.web.v1.shared.report_schemas import AlongFeatureSchema, ReportQuerySchema

_STATES = [state.name for state in DriftState]
_STATE = {
    "description": "`quiet`: like the training rows. `moved`: significantly different, and enough to notice. "
    f"`drifted`: the same, and much. `{TOO_FEW}`: fewer than 200 rows say too little."
}


class WatchQuerySchema(ReportQuerySchema):
    """Query string of /models/<model>/watch."""

    days = fields.Integer(
        load_default=DEFAULT_DAYS,
        validate=validate.Range(1, MAX_DAYS),
        metadata={"description": "How many days back windows begin."},
    )


class DriftSchema(Schema):
    """A comparison with the training rows."""

    state = fields.String(required=True, validate=validate.OneOf(_STATES), metadata=_STATE)
    psi = fields.Float(required=True, metadata={"description": "Population stability index.", "example": 0.031})
    chi_square = fields.Float(
        required=True, metadata={"description": "Chance alone rarely brings it above `critical`.", "example": 41.2}
    )


class FeatureDriftSchema(DriftSchema):
    """One feature in one window."""

    feature = fields.String(required=True, metadata={"example": "tenure"})
    missing = fields.Float(required=True, metadata={"description": "Share of rows without a value.", "example": 0.002})
    unseen = fields.Float(
        required=True, metadata={"description": "Share of rows with a text that training did not see.", "example": 0}
    )


class ExpectedQualitySchema(Schema):
    """The quality to be expected, estimated from probabilities alone.

    It is right where other customers come and behave as before; where they behave in another way, it is too good. Only
    outcomes show that.
    """

    roc_auc = fields.Float(required=True, allow_none=True, metadata={"example": 0.846})
    roc_auc_band = fields.List(
        fields.Float(), required=True, allow_none=True, metadata={"description": "What chance alone explains."}
    )
    brier = fields.Float(required=True, metadata={"example": 0.134})
    rate = fields.Float(required=True, metadata={"description": "The share that would leave.", "example": 0.262})


class WatchWindowSchema(Schema):
    """Predictions of consecutive hours: a day, or fewer hours with 5,000 rows. Of many rows at once a sample counts."""

    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True)
    rows = fields.Integer(required=True, metadata={"example": 5120})
    open = fields.Boolean(required=True, metadata={"description": "Whether it may still grow."})
    state = fields.String(required=True, validate=validate.OneOf([*_STATES, TOO_FEW]), metadata=_STATE)
    scores = fields.Nested(DriftSchema, metadata={"description": "The probabilities."})
    expected = fields.Nested(ExpectedQualitySchema)
    features = fields.List(fields.Nested(FeatureDriftSchema))


class WatchBinSchema(Schema):
    """Similar values of a feature, and their share of the rows."""

    kind = fields.String(required=True, validate=validate.OneOf(["range", "category", "others", "unseen", "missing"]))
    lower = fields.Float(metadata={"description": "A range is above it. Of a date, days before `reference`."})
    upper = fields.Float(metadata={"description": "A range reaches up to it."})
    category = fields.String()
    before = fields.Float(required=True, metadata={"description": "In training.", "example": 0.1})
    after = fields.Float(required=True, allow_none=True, metadata={"description": "In the latest window."})


class WatchedFeatureSchema(AlongFeatureSchema):
    """One feature in the latest window that was compared."""

    state = fields.String(required=True, validate=validate.OneOf([*_STATES, TOO_FEW]))
    alert = fields.Boolean(required=True)
    critical = fields.Float(
        required=True,
        metadata={"description": "Unchanged customers exceed it in one of a hundred windows, all features together."},
    )
    bins = fields.List(fields.Nested(WatchBinSchema), required=True)


class WatchBaselineSchema(Schema):
    """What predictions are compared with."""

    rows = fields.Integer(required=True, metadata={"description": "Training rows.", "example": 7043})
    expected = fields.Nested(ExpectedQualitySchema, required=True)


class WatchSchema(Schema):
    """Response of /models/<model>/watch."""

    model_name = fields.String(required=True, metadata={"example": "telco"})
    model_version = fields.String(required=True, metadata={"example": "2"})
    state = fields.String(required=True, validate=validate.OneOf([*_STATES, TOO_FEW]), metadata=_STATE)
    alerts = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Features that drifted in the last closed window, or moved in the last two."},
    )
    score_alert = fields.Boolean(required=True, metadata={"description": "The same of the probabilities."})
    baseline = fields.Nested(WatchBaselineSchema, required=True)
    windows = fields.List(
        fields.Nested(WatchWindowSchema),
        required=True,
        metadata={"description": f"The latest {MAX_WINDOWS}, the oldest first."},
    )
    features = fields.List(fields.Nested(WatchedFeatureSchema), required=True)
