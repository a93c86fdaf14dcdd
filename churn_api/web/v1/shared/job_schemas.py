"""Schemas of jobs: the query string, the body and the responses of `/jobs`."""

from marshmallow import Schema, fields, validate

from churn_api.contract.size_limits import MAX_REASONS
from churn_api.jobs.job import STATES
from churn_api.tables.formats import DEFAULT, FORMATS
from churn_api.tables.read_options import ENCODINGS, MAX_SKIPPED_ROWS
from churn_api.web import API_V1
from churn_api.web.core.output_schema import EXAMPLE_THRESHOLD
from churn_api.web.core.schemas import BodyOrFileSchema, PlainFloat, PlainInteger, QuerySchema
from churn_api.web.v1.shared.batch_options import A_TABLE, FAIL, SKIP, KeepField
from churn_api.web.v1.shared.call_list_schemas import CallListAnswerSchema, CallListField, CallListSchema

JOB_ID = "0f8c2a6d4e1b4f7a9c3d5e7f90a1b2c3"


class JobBodySchema(BodyOrFileSchema):
    """Body of POST /jobs: JSON, or a form with the same fields and a file."""

    part = "file"
    file = A_TABLE
    max_bytes = "MAX_JOB_BYTES"
    names_file = "source"

    source = fields.String(
        validate=validate.Length(1, 1024),
        metadata={
            "description": "Path below DATA_DIR, or a URL below one of DATA_URLS; not with an uploaded file.",
            "example": "customers/march.parquet",
        },
    )
    model = fields.String(
        metadata={"description": "Name of the model; by default DEFAULT_MODEL.", "example": "default"}
    )
    version = fields.String(
        validate=validate.Length(1, 32), metadata={"description": "Version; by default the live one.", "example": "1"}
    )
    threshold = PlainFloat(
        validate=validate.Range(0, 1),
        metadata={"description": "Threshold; by default the model's.", "example": EXAMPLE_THRESHOLD},
    )
    reasons = PlainInteger(
        validate=validate.Range(1, MAX_REASONS),
        metadata={"description": "How many of the strongest reasons each row gets; none where it is left out."},
    )
    format = fields.String(
        validate=validate.OneOf(list(FORMATS)), metadata={"description": "Format of the input; by default by its name."}
    )
    result_format = fields.String(
        validate=validate.OneOf(list(FORMATS)),
        metadata={"description": "Format of the result; by default the input's."},
    )
    encoding = fields.String(
        validate=validate.OneOf(ENCODINGS),
        metadata={"description": "Encoding of a text; by default UTF-8, or what its byte order mark says."},
    )
    skip_rows = PlainInteger(
        load_default=0,
        validate=validate.Range(0, MAX_SKIPPED_ROWS),
        metadata={"description": "Lines above the header of a CSV or a sheet."},
    )
    sheet = fields.String(
        validate=validate.Length(1, 255), metadata={"description": "Sheet of a workbook; by default the first."}
    )
    call_list = CallListField(
        CallListSchema,
        metadata={"description": "List the customers whose call gains most, in place of scoring all in their order."},
    )
    on_error = fields.String(
        load_default=FAIL,
        validate=validate.OneOf([FAIL, SKIP]),
        metadata={"description": "What happens with a bad row: the job fails, or the row has no scores."},
    )
    keep = KeepField(
        load_default=list,
        metadata={
            "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}],
            "description": "Columns that the result repeats: names, or `all`.",
            "example": ["customer_id"],
        },
    )


class JobsQuerySchema(QuerySchema):
    """Query string of GET /jobs."""

    state = fields.String(validate=validate.OneOf(STATES))
    limit = PlainInteger(load_default=100, validate=validate.Range(1, 1000))


class JobAnswerSchema(Schema):
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
    policy = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Version of the model's costs, where they set the threshold.", "example": None},
    )
    rows = fields.Integer(required=True, metadata={"description": "Rows that are finished.", "example": 40_000})
    bad_rows = fields.Integer(required=True, metadata={"example": 0})
    more_errors = fields.Integer(
        required=True,
        metadata={
            "description": "Faults of bad rows that do not fit into the file of errors.",
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
        required=True,
        metadata={
            "description": "By column, the number of cells with a category that training did not see.",
            "example": {},
        },
    )
    outside = fields.Dict(
        required=True,
        metadata={
            "description": "By column, the number of cells far outside the range that training saw.",
            "example": {},
        },
    )
    call_list = fields.Nested(CallListAnswerSchema, metadata={"description": "Where the job makes one."})
    links = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"example": {"self": f"{API_V1}/jobs/{JOB_ID}"}},
    )


class JobListSchema(Schema):
    """Response of GET /jobs."""

    jobs = fields.List(fields.Nested(JobAnswerSchema), required=True)
    count = fields.Integer(required=True)
