"""What the routes take in their query and what they answer, for the API page and its tests."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from churn_api import __version__
from churn_api.access.caller import SCOPES
from churn_api.contract.fields import IDENTIFIER_TYPES
from churn_api.contract.signature import IDENTIFIER
from churn_api.jobs.job import STATES
from churn_api.registry.management import PATH
from churn_api.scoring.output import COLUMNS as OUTPUT
from churn_api.scoring.output import Column, policy_around
from churn_api.tables.formats import DEFAULT, EXCEL_SAFE, FORMATS, TITLES
from churn_api.web import API_V1
from churn_api.web.core.response_headers import REQUEST_ID
from churn_api.web.core.schemas import Body, BodyOrFile, Fault, PlainFloat, PlainInteger, Query

FAIL, SKIP = "fail", "skip"
ALL = "all"
ROWS, COLUMNS = "rows", "columns"
A_TABLE = f"A table: {TITLES}."
"""What the file of a form is, as the document says it."""


class Keep(fields.Field[list[str] | None]):
    """Columns to repeat: a list of names, names by commas, or `all`, which is None."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str] | None:
        if value == ALL:
            return None
        names = [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) and "\0" not in name for name in names):
            raise ValidationError(f"Must be names of columns, or {ALL}.")
        return names


class PredictQuery(Query):
    """Query of a prediction."""

    threshold = PlainFloat(
        validate=validate.Range(0, 1),
        metadata={"description": "Probability from which churn is predicted; the model's own where none is sent."},
    )
    version = fields.String(
        validate=validate.Length(1, 32),
        metadata={"description": "Version of the model; the live one where none is sent."},
    )


class ResultQuery(Query):
    """How a table is answered."""

    csv = fields.String(
        validate=validate.OneOf([EXCEL_SAFE]),
        metadata={
            "description": "Of a CSV result: an apostrophe before texts that begin as a formula does, which a "
            "spreadsheet would run."
        },
    )


class BatchQuery(PredictQuery, ResultQuery):
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


EXAMPLE_THRESHOLD, _EXAMPLE_PROBABILITY = 0.42, 0.8312
JOB_ID = "0f8c2a6d4e1b4f7a9c3d5e7f90a1b2c3"


def _example(column: Column) -> Any:
    """What a column holds of the customer of the examples."""
    computed = column.compute(_EXAMPLE_PROBABILITY, EXAMPLE_THRESHOLD, policy_around(EXAMPLE_THRESHOLD))
    return column.values([computed])[0]


Scored = Schema.from_dict(
    {
        IDENTIFIER: fields.Raw(
            required=True,
            allow_none=True,
            metadata={"anyOf": IDENTIFIER_TYPES, "description": "As it was sent.", "example": "CUST001"},
        ),
        **{
            column.name: fields.Raw(required=True, metadata=dict(column.schema) | {"example": _example(column)})
            for column in OUTPUT
        },
    },
    name="Scored",
)
"""One customer's prediction: the identifier, and the columns that every answer has."""


SCORED = {IDENTIFIER: "CUST001"} | {column.name: _example(column) for column in OUTPUT}
"""The customer of the examples."""


class Answered(Schema):
    """What every prediction tells of the model that made it."""

    threshold = fields.Float(required=True, metadata={"example": EXAMPLE_THRESHOLD})
    model_name = fields.String(required=True, metadata={"example": "default"})
    model_version = fields.String(required=True, metadata={"example": "1"})
    inference_time_ms = fields.Float(required=True, metadata={"example": 0.05})
    timestamp = fields.DateTime(required=True)
    request_id = fields.String(required=True, metadata={"example": REQUEST_ID.example})
    warnings = fields.List(
        fields.Nested(Fault),
        metadata={
            "description": "Categories that training did not see.",
            "example": [{"pointer": "#/region", "code": "unseen-category", "message": "Training did not see it."}],
        },
    )


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
            "example": [SCORED],
        },
    )
    count = fields.Integer(required=True)
    errors = fields.List(
        fields.Nested(Fault),
        metadata={"description": "With on_error=skip: what was wrong with bad rows.", "example": []},
    )
    more_errors = fields.Integer(metadata={"description": "Faults that `errors` does not list."})
    more_warnings = fields.Integer(metadata={"description": "Warnings that `warnings` does not list."})
    unseen = fields.Dict(
        metadata={"description": "Of a table: by column, cells that training did not see.", "example": {}}
    )


class ServiceCard(Schema):
    """Answer of /."""

    name = fields.String(required=True, metadata={"example": "churn-api"})
    version = fields.String(required=True, metadata={"example": __version__})
    links = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"example": {"predict": f"{API_V1}/predict"}},
    )


class LiveVersion(Body):
    """Body of PUT /models/<model>/live."""

    version = fields.String(required=True, validate=validate.Length(1, 32), metadata={"example": "2"})


class ModelPath(BodyOrFile):
    """Body of POST /models."""

    part = "bundle"
    file = "A ZIP file with `card.json` and `model.onnx`."
    max_bytes = "MAX_BUNDLE_BYTES"
    names_file = "path"

    path = fields.String(
        required=True,
        validate=validate.Regexp(f"^{PATH.pattern}$", error="Must be <name>/<version>, below the models folder."),
        metadata={"description": "<name>/<version>, below the models folder.", "example": "default/2"},
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

    access_token = fields.String(required=True, metadata={"example": "eyJhbGciOi…"})
    token_type = fields.String(required=True, metadata={"example": "Bearer"})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds.", "example": 900})
    scope = fields.String(required=True, metadata={"description": "Separated by spaces.", "example": "jobs predict"})


class ServiceStatus(Schema):
    """Answer of /status."""

    version = fields.String(required=True, metadata={"example": __version__})
    timestamp = fields.DateTime(required=True)
    models = fields.Dict(
        required=True,
        metadata={
            "description": "By name, the version that is to answer.",
            "example": {"default": {"version": "1", "generation": 1}},
        },
    )
    workers = fields.List(
        fields.Dict(),
        required=True,
        metadata={
            "description": "What each worker answers with.",
            "example": [{"host": "web-1", "pid": 71, "models": {"default": {"version": "1", "generation": 1}}}],
        },
    )
    jobs = fields.Dict(
        required=True,
        metadata={
            "description": "By state, how many; and how long the oldest waits.",
            "example": {"queued": 0, "running": 1, "oldest_seconds": 0.0},
        },
    )
    limits = fields.Dict(
        required=True,
        metadata={"description": "Rates in force for callers without their own.", "example": {"predict": "100/minute"}},
    )


class Registered(Schema):
    """Answer of POST /models."""

    name = fields.String(required=True, metadata={"example": "default"})
    version = fields.String(required=True, metadata={"example": "2"})


class ModelSummary(Schema):
    """A model in the list."""

    name = fields.String(required=True, metadata={"example": "default"})
    versions = fields.List(fields.String(), required=True, metadata={"example": ["1", "2"]})
    live = fields.String(
        required=True, allow_none=True, metadata={"description": "Version that answers.", "example": "1"}
    )
    generation = fields.Integer(
        required=True, allow_none=True, metadata={"description": "How often the live version was changed."}
    )
    ready = fields.Boolean(required=True)
    default = fields.Boolean(required=True)
    reason = fields.String(
        metadata={
            "description": "Why it, or its newest live version, may not answer.",
            "example": "version 2: model.onnx is not the file that was packaged",
        }
    )


class ModelList(Schema):
    """Answer of /models."""

    models = fields.List(fields.Nested(ModelSummary), required=True)
    count = fields.Integer(required=True)


class ModelDetail(ModelSummary):
    """Answer of /models/<model>: the summary, and the card of the live version."""

    created_at = fields.DateTime()
    scorer = fields.String(validate=validate.OneOf(["onnx", "sklearn"]))
    signature = fields.Dict(
        metadata={"example": {"features": [{"name": "tenure", "type": "integer", "required": True}]}}
    )
    policy = fields.Dict(metadata={"example": {"threshold": 0.42, "medium_from": 0.21, "high_from": 0.71}})
    metrics = fields.Dict(metadata={"example": {"roc_auc": 0.84}})
    libraries = fields.Dict(metadata={"example": {"scikit-learn": "1.9.1"}})
    training = fields.Dict(metadata={"example": {"rows": 10_000, "base_rate": 0.27}})
    parity = fields.Dict(metadata={"example": {"proven": True, "tolerance": 1e-6, "rows": 10_000}})


class JobBody(BodyOrFile):
    """What POST /jobs takes, as JSON or as the fields of a form beside the file."""

    part = "file"
    file = A_TABLE
    max_bytes = "MAX_JOB_BYTES"
    names_file = "source"

    source = fields.String(
        validate=validate.Length(1, 1024),
        metadata={
            "description": "Path below DATA_DIR, or an address below one of DATA_URLS; none beside a file.",
            "example": "customers/march.parquet",
        },
    )
    model = fields.String(metadata={"description": "Model; the default one where none is named.", "example": "default"})
    version = fields.String(
        validate=validate.Length(1, 32), metadata={"description": "Else the live one.", "example": "1"}
    )
    threshold = PlainFloat(
        validate=validate.Range(0, 1),
        metadata={"description": "In place of the model's own.", "example": EXAMPLE_THRESHOLD},
    )
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
            "example": ["customer_id"],
        },
    )


class JobsQuery(Query):
    """Query of the list of jobs."""

    state = fields.String(validate=validate.OneOf(STATES))
    limit = PlainInteger(load_default=100, validate=validate.Range(1, 1000))


class JobAnswer(Schema):
    """A job."""

    id = fields.String(required=True, metadata={"example": JOB_ID})
    state = fields.String(
        required=True, validate=validate.OneOf([*STATES, "cancelling"]), metadata={"example": "running"}
    )
    model = fields.String(required=True, metadata={"example": "default"})
    version = fields.String(required=True, metadata={"example": "1"})
    format = fields.String(required=True, metadata={"example": DEFAULT})
    result_format = fields.String(required=True, metadata={"example": DEFAULT})
    on_error = fields.String(required=True, metadata={"example": SKIP})
    rows = fields.Integer(required=True, metadata={"description": "Rows that are finished.", "example": 40_000})
    bad_rows = fields.Integer(required=True, metadata={"example": 0})
    more_errors = fields.Integer(
        required=True,
        metadata={
            "description": "Faults of bad rows beyond those that the file of errors has room for.",
            "example": 0,
        },
    )
    percent = fields.Float(required=True, metadata={"example": 40.0})
    rows_per_second = fields.Float(required=True, allow_none=True, metadata={"example": 250_000.0})
    seconds_left = fields.Float(required=True, allow_none=True, metadata={"example": 0.2})
    attempts = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)
    started_at = fields.DateTime(required=True, allow_none=True)
    finished_at = fields.DateTime(required=True, allow_none=True, metadata={"example": None})
    reason = fields.Dict(required=True, allow_none=True, metadata={"description": "Why it failed.", "example": None})
    result_bytes = fields.Integer(required=True, allow_none=True, metadata={"example": None})
    unseen = fields.Dict(
        required=True, metadata={"description": "By column, cells that training did not see.", "example": {}}
    )
    links = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"example": {"self": f"{API_V1}/jobs/{JOB_ID}"}},
    )


class JobList(Schema):
    """Answer of /jobs."""

    jobs = fields.List(fields.Nested(JobAnswer), required=True)
    count = fields.Integer(required=True)
