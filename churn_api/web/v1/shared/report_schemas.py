"""Schemas of `/models/<model>/report`."""

from marshmallow import Schema, fields, validate

from churn_api.web.core.schemas import QuerySchema


class ReportQuerySchema(QuerySchema):
    """Query string of /models/<model>/report."""

    version = fields.String(
        validate=validate.Length(1, 32),
        metadata={"description": "A registered version of the model; by default the live one."},
    )


class RemarkSchema(Schema):
    """An assumption about the table."""

    column = fields.String()
    seen = fields.String(required=True)
    done = fields.String(required=True)
    option = fields.String(metadata={"description": "What to write on the command line to decide otherwise."})


class CalibrationBinSchema(Schema):
    """Customers with similar probabilities."""

    predicted = fields.Float(required=True, metadata={"example": 0.12})
    observed = fields.Float(required=True, metadata={"example": 0.13})
    rows = fields.Integer(required=True, metadata={"example": 704})


class OperatingPointSchema(Schema):
    """The confusion matrix at one threshold: counts of customers, or the sums of their sample weights."""

    threshold = fields.Float(required=True, metadata={"example": 0.35})
    true_positives = fields.Float(required=True, metadata={"example": 1312})
    false_positives = fields.Float(required=True, metadata={"example": 960})
    false_negatives = fields.Float(required=True, metadata={"example": 557})
    true_negatives = fields.Float(required=True, metadata={"example": 4214})


class FeatureBinSchema(Schema):
    """What customers with similar values of a feature have in common."""

    kind = fields.String(required=True, validate=validate.OneOf(["range", "category", "others", "missing"]))
    lower = fields.Float(metadata={"description": "The least value of a range; of a date, days before `reference`."})
    upper = fields.Float()
    category = fields.String()


class EffectBinSchema(FeatureBinSchema):
    """Customers with similar values of a feature."""

    rows = fields.Integer(required=True, metadata={"example": 862})
    predicted = fields.Float(required=True, metadata={"example": 0.57})
    observed = fields.Float(required=True, metadata={"example": 0.58})


class AlongFeatureSchema(Schema):
    """What is measured along one feature."""

    feature = fields.String(required=True, metadata={"example": "tenure"})
    reference = fields.Date(
        metadata={"description": "For a date: the day from which its ranges count back.", "example": "2026-01-31"}
    )


class EffectSchema(AlongFeatureSchema):
    """Churn along one feature; no bin has fewer than ten customers."""

    bins = fields.List(fields.Nested(EffectBinSchema), required=True)


class EvaluationMethodSchema(Schema):
    """How training evaluated the model and chose its threshold."""

    time = fields.String(
        required=True, allow_none=True, metadata={"description": "The column whose later rows a fold is evaluated on."}
    )
    group = fields.String(
        required=True, allow_none=True, metadata={"description": "The column whose rows of one value share a fold."}
    )
    sample_weight = fields.String(
        required=True, allow_none=True, metadata={"description": "The column of how much each row counts."}
    )
    threshold_by = fields.String(
        required=True,
        validate=validate.OneOf(["f1", "calls"]),
        metadata={"description": "The threshold has the largest F1 out of fold, or flags a number of rows."},
    )
    calls = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "That number, of the rows of the training table.", "example": 500},
    )


class EvaluationReportSchema(Schema):
    """Response of /models/<model>/report."""

    model_name = fields.String(required=True, metadata={"example": "telco"})
    model_version = fields.String(required=True, metadata={"example": "2"})
    created_at = fields.DateTime(required=True)
    remarks = fields.List(fields.Nested(RemarkSchema), required=True)
    format = fields.Integer(required=True, metadata={"example": 1})
    basis = fields.String(required=True, validate=validate.OneOf(["cross-validation", "holdout", "golden table"]))
    method = fields.Nested(
        EvaluationMethodSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null for pipelines fitted elsewhere, and in reports of earlier versions."},
    )
    rows = fields.Integer(required=True, metadata={"example": 7043})
    positives = fields.Float(
        required=True,
        metadata={
            "description": "Customers who churned; with sample weights, the sum of theirs, where the mean is 1.",
            "example": 1869,
        },
    )
    threshold = fields.Float(required=True, metadata={"example": 0.31})
    metrics = fields.Dict(
        required=True,
        metadata={
            "description": "By name, the mean over the folds and its standard deviation.",
            "example": {"roc_auc": {"mean": 0.85, "std": 0.015}},
        },
    )
    roc = fields.Dict(
        required=True,
        metadata={"example": {"false_positive_rate": [0.0, 0.1, 1.0], "true_positive_rate": [0.0, 0.54, 1.0]}},
    )
    precision_recall = fields.Dict(
        required=True, metadata={"example": {"recall": [0.0, 0.5, 1.0], "precision": [1.0, 0.69, 0.27]}}
    )
    calibration = fields.List(fields.Nested(CalibrationBinSchema), required=True)
    gains = fields.List(
        fields.Float(),
        required=True,
        metadata={
            "description": "The share of churners among the 0, 1, … 100 per cent of customers with the highest "
            "probabilities: 101 values.",
            "example": [0.0, 0.03, 0.06],
        },
    )
    operating_points = fields.List(fields.Nested(OperatingPointSchema), required=True)
    importance = fields.Dict(
        required=True,
        metadata={
            "description": "How much ROC-AUC falls where a feature is shuffled.",
            "example": {"tenure": 0.046, "contract": 0.036},
        },
    )
    effects = fields.List(fields.Nested(EffectSchema), required=True)
