"""Schemas of `/models/<model>/explanation`."""

from typing import get_args

from marshmallow import Schema, fields, validate

from churn_api.scoring.explanation import Method, Scale
from churn_api.web.v1.shared.report_schemas import AlongFeatureSchema, FeatureBinSchema


class ContributionBinSchema(FeatureBinSchema):
    """Training rows with similar values of a feature; no bin has fewer than ten."""

    share = fields.Float(required=True, metadata={"description": "Of the training rows.", "example": 0.55})
    contribution = fields.Float(required=True, metadata={"description": "The mean contribution.", "example": 0.71})


class FeatureExplanationSchema(AlongFeatureSchema):
    """How one feature moves predictions."""

    importance = fields.Float(
        required=True,
        metadata={"description": "The mean size of its contributions over the training rows.", "example": 0.62},
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
        validate=validate.OneOf(get_args(Method)),
        metadata={"description": "Shapley values against all training rows, or an estimate of them."},
    )
    scale = fields.String(
        required=True,
        validate=validate.OneOf(get_args(Scale)),
        metadata={"description": "What base and contributions add up to."},
    )
    base = fields.Float(required=True, metadata={"description": "The mean over the training rows.", "example": -1.35})
    background_rows = fields.Integer(required=True, metadata={"description": "Training rows.", "example": 7043})
    features = fields.List(fields.Nested(FeatureExplanationSchema), required=True)
