"""Schemas of `/models/<model>/explanation`."""

from marshmallow import Schema, fields, validate


class ContributionBinSchema(Schema):
    """Training rows with similar values of a feature; no bin has fewer than ten."""

    kind = fields.String(required=True, validate=validate.OneOf(["range", "category", "others", "missing"]))
    lower = fields.Float(metadata={"description": "The least value of a range; of a date, days before `reference`."})
    upper = fields.Float()
    category = fields.String()
    share = fields.Float(required=True, metadata={"description": "Of the training rows.", "example": 0.55})
    contribution = fields.Float(required=True, metadata={"description": "The mean contribution.", "example": 0.71})


class FeatureExplanationSchema(Schema):
    """How one feature moves predictions."""

    feature = fields.String(required=True, metadata={"example": "contract"})
    importance = fields.Float(
        required=True,
        metadata={"description": "The mean size of its contributions over the training rows.", "example": 0.62},
    )
    reference = fields.Date(
        metadata={"description": "For a date: the day from which its ranges count back.", "example": "2026-01-31"}
    )
    bins = fields.List(fields.Nested(ContributionBinSchema))


class ExplanationSchema(Schema):
    """Response of /models/<model>/explanation."""

    model_name = fields.String(required=True, metadata={"example": "telco"})
    model_version = fields.String(required=True, metadata={"example": "2"})
    created_at = fields.DateTime(required=True)
    format = fields.Integer(required=True, metadata={"example": 1})
    method = fields.String(
        required=True,
        validate=validate.OneOf(["exact", "sampled"]),
        metadata={"description": "Shapley values against all training rows, or an estimate of them."},
    )
    scale = fields.String(
        required=True,
        validate=validate.OneOf(["log_odds", "probability"]),
        metadata={"description": "What base and contributions add up to."},
    )
    base = fields.Float(required=True, metadata={"description": "The mean over the training rows.", "example": -1.35})
    background_rows = fields.Integer(required=True, metadata={"description": "Training rows.", "example": 7043})
    features = fields.List(fields.Nested(FeatureExplanationSchema), required=True)
