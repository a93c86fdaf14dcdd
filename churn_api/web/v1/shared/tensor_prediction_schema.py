"""Schemas of the responses of `/predict` and `/batch-predict` for a tensor model."""

from marshmallow import Schema, fields

from churn_api.web.core.response_headers import REQUEST_ID


class RankedLabelSchema(Schema):
    """A label with its probability."""

    class_name = fields.String(required=True, metadata={"example": "setosa"})
    confidence = fields.Float(required=True, metadata={"example": 0.98})


class LabelSchema(Schema):
    """The most probable label."""

    prediction = fields.Integer(required=True, metadata={"description": "Position of the label.", "example": 0})
    prediction_label = fields.String(required=True, metadata={"example": "setosa"})
    probabilities = fields.List(
        fields.Float(), metadata={"description": "Of each label, in their order.", "example": [0.98, 0.019, 0.001]}
    )


class LabelOfManySchema(LabelSchema):
    """The most probable label of one row of a batch."""

    confidence = fields.Float(required=True, metadata={"example": 0.98})


class TensorMetadataSchema(Schema):
    """Metadata of a response of a tensor model."""

    prediction_time = fields.Float(required=True, metadata={"description": "In seconds.", "example": 0.00005})
    model_name = fields.String(required=True, metadata={"example": "iris"})
    model_version = fields.String(required=True, metadata={"example": "1"})
    inference_time_ms = fields.Float(required=True, metadata={"example": 0.05})
    timestamp = fields.DateTime(required=True)
    request_id = fields.String(required=True, metadata={"example": REQUEST_ID.example})


class TensorPredictionSchema(LabelSchema, TensorMetadataSchema):
    """Response of /predict for a tensor model."""

    predictions = fields.List(
        fields.Nested(RankedLabelSchema),
        metadata={"description": "For an image, or with `top_k`: the most probable labels, the first one first."},
    )


class TensorBatchPredictionSchema(TensorMetadataSchema):
    """Response of /batch-predict for a tensor model."""

    predictions = fields.List(fields.Nested(LabelOfManySchema), required=True)
    count = fields.Integer(required=True)
