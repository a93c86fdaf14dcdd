"""What the routes take in their query and what they answer, for the API page and its tests."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from churn_api.access.caller import SCOPES
from churn_api.contract.fields import IDENTIFIER_TYPES
from churn_api.contract.signature import IDENTIFIER
from churn_api.jobs.job import STATES
from churn_api.registry.management import PATH
from churn_api.scoring.output import COLUMNS as OUTPUT
from churn_api.tables.formats import FORMATS
from churn_api.web.core.schemas import Body, BodyOrFile, Fault, Query

FAIL, SKIP = "fail", "skip"
ALL = "all"
ROWS, COLUMNS = "rows", "columns"


class Keep(fields.Field[list[str] | None]):
    """Columns to repeat: a list of names, names by commas, or `all`, which is None."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str] | None:
        if value == ALL:
            return None
        names = [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValidationError(f"Must be names of columns, or {ALL}.")
        return names


class PredictQuery(Query):
    """Query of a prediction."""

    threshold = fields.Float(
        validate=validate.Range(0, 1),
        metadata={"description": "Probability from which churn is predicted; the model's own where none is sent."},
    )
    version = fields.String(
        validate=validate.Length(1, 32),
        metadata={"description": "Version of the model; the live one where none is sent."},
    )


class BatchQuery(PredictQuery):
    """Query of a batch."""

    on_error = fields.String(
        load_default=FAIL,
        validate=validate.OneOf([FAIL, SKIP]),
        metadata={"description": "What a bad row does: fail the batch, or leave a null in its place."},
    )
    layout = fields.String(
        load_default=ROWS,
        validate=validate.OneOf([ROWS, COLUMNS]),
        metadata={"description": "Predictions as a list of objects, or as one object of lists."},
    )

    keep = Keep(
        load_default=list,
        metadata={"type": "string", "description": "Columns of a table that the result repeats: names, or `all`."},
    )


Scored = Schema.from_dict(
    {
        IDENTIFIER: fields.Raw(
            required=True, allow_none=True, metadata={"anyOf": IDENTIFIER_TYPES, "description": "As it was sent."}
        ),
        **{column.name: fields.Raw(required=True, metadata=dict(column.schema)) for column in OUTPUT},
    },
    name="Scored",
)
"""One customer's prediction: the identifier, and the columns that every answer has."""


class Answered(Schema):
    """What every prediction tells of the model that made it."""

    threshold = fields.Float(required=True)
    model_name = fields.String(required=True)
    model_version = fields.String(required=True)
    inference_time_ms = fields.Float(required=True)
    timestamp = fields.DateTime(required=True)
    request_id = fields.String(required=True)
    warnings = fields.List(fields.Nested(Fault), metadata={"description": "Categories that training did not see."})


class Prediction(Scored, Answered):  # type: ignore[misc,valid-type]  # made of the columns, as it runs
    """Answer of /predict."""


class BatchPrediction(Answered):
    """Answer of /batch-predict."""

    predictions = fields.Raw(
        required=True,
        metadata={
            "oneOf": [
                {"type": "array", "items": {"anyOf": [{"$ref": "#/components/schemas/Scored"}, {"type": "null"}]}},
                {"type": "object", "description": "With layout=columns: a list by field."},
            ],
        },
    )
    count = fields.Integer(required=True)
    errors = fields.List(
        fields.Nested(Fault), metadata={"description": "With on_error=skip: what was wrong with bad rows."}
    )
    unseen = fields.Dict(metadata={"description": "Of a table: by column, cells that training did not see."})


class ServiceCard(Schema):
    """Answer of /."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    links = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class LiveVersion(Body):
    """Body of PUT /models/<model>/live."""

    version = fields.String(required=True, validate=validate.Length(1, 32))


class ModelPath(BodyOrFile):
    """Body of POST /models."""

    part = "bundle"
    max_bytes = "MAX_BUNDLE_BYTES"

    path = fields.String(
        required=True,
        validate=validate.Regexp(f"^{PATH.pattern}$", error="Must be <name>/<version>, below the models folder."),
        metadata={"description": "<name>/<version>, below the models folder."},
    )


class TokenRequest(Body):
    """Body of /token; none at all asks for every scope that the key has."""

    optional = True

    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES, error=f"Scopes are {', '.join(SCOPES)}.")),
        validate=validate.Length(1, len(SCOPES)),
    )


class TokenAnswer(Schema):
    """Answer of /token (RFC 6749, section 5.1)."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})
    scope = fields.String(required=True, metadata={"description": "Separated by spaces."})


class ServiceStatus(Schema):
    """Answer of /status."""

    version = fields.String(required=True)
    timestamp = fields.DateTime(required=True)
    models = fields.Dict(required=True, metadata={"description": "By name, the version that is to answer."})
    workers = fields.List(fields.Dict(), required=True, metadata={"description": "What each worker answers with."})
    jobs = fields.Dict(required=True, metadata={"description": "By state, how many; and how long the oldest waits."})
    limits = fields.Dict(required=True, metadata={"description": "Rates in force for callers without their own."})


class Registered(Schema):
    """Answer of POST /models."""

    name = fields.String(required=True)
    version = fields.String(required=True)


class ModelSummary(Schema):
    """A model in the list."""

    name = fields.String(required=True)
    versions = fields.List(fields.String(), required=True)
    live = fields.String(required=True, allow_none=True, metadata={"description": "Version that answers."})
    generation = fields.Integer(
        required=True, allow_none=True, metadata={"description": "How often the live version was changed."}
    )
    ready = fields.Boolean(required=True)
    default = fields.Boolean(required=True)
    reason = fields.String(metadata={"description": "Why it, or its newest live version, may not answer."})


class ModelList(Schema):
    """Answer of /models."""

    models = fields.List(fields.Nested(ModelSummary), required=True)
    count = fields.Integer(required=True)


class ModelDetail(ModelSummary):
    """Answer of /models/<model>: the summary, and the card of the live version."""

    created_at = fields.DateTime()
    scorer = fields.String(validate=validate.OneOf(["onnx", "sklearn"]))
    signature = fields.Dict()
    policy = fields.Dict()
    metrics = fields.Dict()
    libraries = fields.Dict()
    training = fields.Dict()
    parity = fields.Dict()


class JobBody(BodyOrFile):
    """What POST /jobs takes, as JSON or as the fields of a form beside the file."""

    part = "file"
    max_bytes = "MAX_JOB_BYTES"

    source = fields.String(
        validate=validate.Length(1, 1024),
        metadata={"description": "Path below DATA_DIR, or an address below one of DATA_URLS; none beside a file."},
    )
    model = fields.String(metadata={"description": "Model; the default one where none is named."})
    version = fields.String(validate=validate.Length(1, 32), metadata={"description": "Else the live one."})
    threshold = fields.Float(validate=validate.Range(0, 1), metadata={"description": "In place of the model's own."})
    format = fields.String(
        validate=validate.OneOf(list(FORMATS)), metadata={"description": "Of the input; else by its name."}
    )
    result_format = fields.String(
        validate=validate.OneOf(list(FORMATS)), metadata={"description": "Of the result; else that of the input."}
    )
    on_error = fields.String(
        load_default=FAIL,
        validate=validate.OneOf([FAIL, SKIP]),
        metadata={"description": "What a bad row does: fail the job, or stay without scores."},
    )
    keep = Keep(
        load_default=list,
        metadata={
            "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}],
            "description": "Columns that the result repeats: names, or `all`.",
        },
    )


class JobsQuery(Query):
    """Query of the list of jobs."""

    state = fields.String(validate=validate.OneOf(STATES))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))


class JobAnswer(Schema):
    """A job."""

    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([*STATES, "cancelling"]))
    model = fields.String(required=True)
    version = fields.String(required=True)
    format = fields.String(required=True)
    result_format = fields.String(required=True)
    on_error = fields.String(required=True)
    rows = fields.Integer(required=True, metadata={"description": "Rows that are finished."})
    bad_rows = fields.Integer(required=True)
    more_errors = fields.Integer(
        required=True, metadata={"description": "Faults of bad rows beyond those that the file of errors has room for."}
    )
    percent = fields.Float(required=True)
    rows_per_second = fields.Float(required=True, allow_none=True)
    seconds_left = fields.Float(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)
    started_at = fields.DateTime(required=True, allow_none=True)
    finished_at = fields.DateTime(required=True, allow_none=True)
    reason = fields.Dict(required=True, allow_none=True, metadata={"description": "Why it failed."})
    result_bytes = fields.Integer(required=True, allow_none=True)
    unseen = fields.Dict(required=True, metadata={"description": "By column, cells that training did not see."})
    links = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class JobList(Schema):
    """Answer of /jobs."""

    jobs = fields.List(fields.Nested(JobAnswer), required=True)
    count = fields.Integer(required=True)
