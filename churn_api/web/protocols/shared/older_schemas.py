"""Schemas of the older addresses: their query strings, bodies and responses."""

from marshmallow import Schema, ValidationError, fields, validate

from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.registry.management import PATH
from churn_api.scoring.output import PREDICTION, PROBABILITY
from churn_api.web.core.output_schema import EXAMPLE_THRESHOLD
from churn_api.web.core.schemas import BodySchema, PlainFloat, PlainInteger, QuerySchema
from churn_api.web.v1.shared.job_schemas import JOB_ID
from churn_api.web.v1.shared.model_schemas import ModelSummarySchema
from churn_api.web.v1.shared.prediction_schemas import EXAMPLE_PREDICTION, ScoredSchema

STATUSES = {
    "queued": "queued",
    "running": "processing",
    "succeeded": "completed",
    "failed": "failed",
    "cancelled": "failed",
}
"""The status that older clients know, by a job's state."""
OLDER_MEMBERS = (IDENTIFIER, PREDICTION.name, PROBABILITY.name)
PICKLES = (".pkl", ".pickle", ".joblib", ".sav")
"""Suffixes of files that are loaded by running the code in them."""


class OlderQuerySchema(QuerySchema):
    """Query string of the older predictions."""

    threshold = PlainFloat(
        validate=validate.Range(0, 1),
        metadata={"description": "Probability from which churn is predicted; by default the model's."},
    )
    top_k = PlainInteger(
        validate=validate.Range(1),
        metadata={"description": "How many labels to give. A prediction of churn has two, so it changes nothing."},
    )


class OlderPredictionSchema(ScoredSchema):  # type: ignore[misc,valid-type]  # created at run time from the output columns
    """Response of /predict/single."""

    class Meta:
        fields = OLDER_MEMBERS


class OlderPredictionsSchema(Schema):
    """Response of /predict."""

    success = fields.Boolean(required=True)
    predictions = fields.List(
        fields.Integer(), required=True, metadata={"example": [EXAMPLE_PREDICTION[PREDICTION.name]]}
    )
    probabilities = fields.List(
        fields.Float(), required=True, metadata={"example": [EXAMPLE_PREDICTION[PROBABILITY.name]]}
    )
    threshold = fields.Float(required=True, allow_none=True, metadata={"example": EXAMPLE_THRESHOLD})
    model_version = fields.String(required=True, metadata={"example": "1"})


class OlderJobStatusSchema(Schema):
    """Response of /jobs/<job>/status."""

    job_id = fields.String(required=True, metadata={"example": JOB_ID})
    status = fields.String(required=True, validate=validate.OneOf(sorted(set(STATUSES.values()))))
    progress = fields.Float(required=True, metadata={"description": "Percent of the input that is scored."})
    error = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it failed, or that it was cancelled.", "example": None},
    )


class PredictAsyncSchema(BodySchema):
    """Body of POST /predict-async."""

    data_path = fields.String(
        required=True,
        validate=validate.Length(1, 1024),
        metadata={
            "description": "Path below DATA_DIR, or a URL below one of DATA_URLS; its name says its format.",
            "example": "customers/march.parquet",
        },
    )
    output_path = fields.String(
        validate=validate.Length(1, 1024),
        metadata={
            "description": "Path below DATA_DIR of a file that does not exist yet, to which the result is copied; its "
            "name says the format.",
            "example": "scored/march.csv",
        },
    )
    model_name = fields.String(
        metadata={"description": "Name of the model; by default DEFAULT_MODEL.", "example": "default"}
    )


class SubmittedSchema(Schema):
    """Response of POST /predict-async."""

    job_id = fields.String(required=True, metadata={"example": JOB_ID})
    status = fields.String(required=True, validate=validate.OneOf(sorted(set(STATUSES.values()))))


class TaskSchema(Schema):
    """Response of /tasks/<job>."""

    task_id = fields.String(required=True, metadata={"example": JOB_ID})
    status = fields.String(required=True, validate=validate.OneOf(sorted(set(STATUSES.values()))))


def _no_pickle(path: str) -> None:
    if path.lower().endswith(PICKLES):
        raise ValidationError(
            "A pickle is code, and no request loads one. Package it where it was made (churn-api package FILE "
            "--signature FILE --name NAME), put the bundle into the models folder, and name it as <name>/<version>."
        )


class LoadModelSchema(BodySchema):
    """Body of POST /models/load."""

    model_name = fields.String(
        required=True,
        validate=validate.Length(1, 64),
        metadata={"description": "The bundle's name.", "example": "default"},
    )
    model_path = fields.String(
        required=True,
        validate=validate.And(
            _no_pickle, validate.Regexp(f"^{PATH.pattern}$", error="Must be <name>/<version>, below the models folder.")
        ),
        metadata={
            "description": "The bundle: <name>/<version>, below the models folder.",
            "pattern": f"^{PATH.pattern}$",
            "example": "default/2",
        },
    )
    model_type = fields.String(
        validate=validate.Length(1, 64), metadata={"description": "Changes nothing: the bundle says what it holds."}
    )


class LoadedModelSchema(ModelSummarySchema):
    """Response of POST /models/load."""

    model_name = fields.String(required=True, metadata={"example": "default"})
    status = fields.String(required=True, validate=validate.OneOf(["loaded"]))
