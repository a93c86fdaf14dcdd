"""Schemas of predictions: the query strings and the responses of `/predict` and `/batch-predict`."""

from marshmallow import INCLUDE, Schema, fields, validate

from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.contract.fields import IDENTIFIER_TYPES
from churn_api.contract.size_limits import MAX_REASONS
from churn_api.tables.formats import EXCEL_SAFE
from churn_api.web.core.output_schema import EXAMPLE_OUTPUT, EXAMPLE_THRESHOLD, output_fields
from churn_api.web.core.reason_schemas import BaseSchema, ReasonsSchema, WhatIfSchema
from churn_api.web.core.response_headers import REQUEST_ID
from churn_api.web.core.schemas import FaultSchema, PlainFloat, PlainInteger, QuerySchema
from churn_api.web.v1.shared.batch_options import COLUMNS, FAIL, ROWS, SKIP, KeepField

MAX_LABELS_SHOWN = 1000


class PredictQuerySchema(QuerySchema):
    """Query parameters of every prediction."""

    threshold = PlainFloat(
        validate=validate.Range(0, 1),
        metadata={"description": "Probability from which churn is predicted; by default the model's."},
    )
    version = fields.String(
        validate=validate.Length(1, 32),
        metadata={"description": "Version of the model; by default the live one."},
    )
    reasons = PlainInteger(
        validate=validate.Range(1, MAX_REASONS),
        metadata={"description": "How many of the strongest reasons to give; none where it is left out."},
    )


class PredictOneQuerySchema(PredictQuerySchema):
    """Query string of /predict."""

    what_if = PlainInteger(
        validate=validate.Range(1, MAX_REASONS),
        metadata={
            "description": "How many changes of actionable features to give that would lower the probability; "
            "none where it is left out."
        },
    )

    top_k = PlainInteger(
        validate=validate.Range(1, MAX_LABELS_SHOWN),
        metadata={
            "description": "How many labels a tensor model ranks, by default 5 for an image. A prediction of churn has "
            "two, so it changes nothing."
        },
    )


class ResultQuerySchema(QuerySchema):
    """Query parameters for a result that is a table."""

    csv = fields.String(
        validate=validate.OneOf([EXCEL_SAFE]),
        metadata={
            "description": "In a CSV result, put an apostrophe before text that a spreadsheet would run as a formula."
        },
    )


class BatchQuerySchema(PredictQuerySchema, ResultQuerySchema):
    """Query string of /batch-predict."""

    on_error = fields.String(
        load_default=FAIL,
        validate=validate.OneOf([FAIL, SKIP]),
        metadata={"description": "What happens with a bad row: the batch fails, or the row gets null."},
    )
    layout = fields.String(
        load_default=ROWS,
        validate=validate.OneOf([ROWS, COLUMNS]),
        metadata={"description": "Predictions as a list of objects, or as one object of lists."},
    )

    keep = KeepField(
        load_default=list,
        metadata={
            "type": "string",
            "description": "Columns of the input table that the result repeats: names, or `all`.",
        },
    )


ScoredSchema = Schema.from_dict(
    {
        IDENTIFIER: fields.Raw(
            required=True,
            allow_none=True,
            metadata={"anyOf": IDENTIFIER_TYPES, "description": "As in the request.", "example": "CUST001"},
        ),
        **output_fields(),
    },
    name="Scored",
)
"""One customer's prediction: the identifier, and the output columns."""


EXAMPLE_PREDICTION = {IDENTIFIER: "CUST001"} | EXAMPLE_OUTPUT
"""The prediction in examples."""


class ModelMetadataSchema(Schema):
    """Metadata of a response with predictions."""

    threshold = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "Null where it differs by customer, or no probability reaches it.",
            "example": EXAMPLE_THRESHOLD,
        },
    )
    policy = fields.Integer(
        metadata={"description": "Version of the model's costs, where they set the threshold.", "example": 3}
    )
    model_name = fields.String(required=True, metadata={"example": "default"})
    model_version = fields.String(required=True, metadata={"example": "1"})
    inference_time_ms = fields.Float(required=True, metadata={"example": 0.05})
    timestamp = fields.DateTime(required=True)
    request_id = fields.String(required=True, metadata={"example": REQUEST_ID.example})
    warnings = fields.List(
        fields.Nested(FaultSchema),
        metadata={
            "description": "Categories that training did not see, and numbers far outside the range that it saw.",
            "example": [{"pointer": "#/region", "code": "unseen-category", "message": "Training did not see it."}],
        },
    )


class VariantSchema(Schema):
    """What a prediction has in addition while an experiment runs."""

    variant = fields.String(
        metadata={
            "description": "While an experiment runs, who has answered: `control` or `challenger`, by the version that "
            "the customer belongs to; `live` where the customer is in no group. Each prediction of a batch has its "
            "`model_version` and `threshold` then.",
            "example": "control",
        }
    )


class ScoredOfManySchema(ScoredSchema, ReasonsSchema, VariantSchema):  # type: ignore[misc,valid-type]  # created at run time from the output columns
    """One customer's prediction of a batch; that of a table has more columns: those that it keeps, and of reasons."""

    class Meta:
        unknown = INCLUDE


class PredictionSchema(ScoredSchema, ModelMetadataSchema, VariantSchema, BaseSchema, ReasonsSchema, WhatIfSchema):  # type: ignore[misc,valid-type]  # created at run time from the output columns
    """Response of /predict."""


class BatchPredictionSchema(ModelMetadataSchema, BaseSchema):
    """Response of /batch-predict."""

    predictions = fields.Raw(
        required=True,
        metadata={
            "oneOf": [
                {"type": "array", "items": {"anyOf": [{"$ref": "#/components/schemas/Scored"}, {"type": "null"}]}},
                {"type": "object", "description": "With layout=columns: a list by field."},
            ],
            "example": [EXAMPLE_PREDICTION],
        },
    )
    count = fields.Integer(required=True)
    errors = fields.List(
        fields.Nested(FaultSchema),
        metadata={"description": "With on_error=skip: faults of bad rows.", "example": []},
    )
    more_errors = fields.Integer(metadata={"description": "Faults that `errors` does not list."})
    more_warnings = fields.Integer(metadata={"description": "Warnings that `warnings` does not list."})
    unseen = fields.Dict(
        metadata={
            "description": "For a table: by column, the number of cells with a category that training did not see.",
            "example": {},
        }
    )
    outside = fields.Dict(
        metadata={
            "description": "For a table: by column, the number of cells far outside the range that training saw.",
            "example": {},
        }
    )
