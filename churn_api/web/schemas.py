"""What the routes take in their query and what they answer, for the API page and its tests."""

from marshmallow import Schema, fields, validate

from churn_api.contract.fields import IDENTIFIER_TYPES
from churn_api.scoring.decision import BANDS
from churn_api.web.body import Query

FAIL, SKIP = "fail", "skip"
ROWS, COLUMNS = "rows", "columns"


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


class NoQuery(Query):
    """Routes without parameters."""


class Scored(Schema):
    """One customer's prediction."""

    customer_id = fields.Raw(
        required=True, allow_none=True, metadata={"anyOf": IDENTIFIER_TYPES, "description": "As it was sent."}
    )
    churn_prediction = fields.Integer(required=True, validate=validate.OneOf([0, 1]))
    churn_probability = fields.Float(required=True, validate=validate.Range(0, 1))
    risk_band = fields.String(required=True, validate=validate.OneOf(BANDS))


class Fault(Schema):
    """One fault of a request, or one warning of an answer."""

    pointer = fields.String(metadata={"description": "JSON Pointer into the body."})
    parameter = fields.String(metadata={"description": "Name of a query parameter."})
    code = fields.String(required=True)
    message = fields.String(required=True)
    hint = fields.String()


class Answered(Schema):
    """What every prediction tells of the model that made it."""

    threshold = fields.Float(required=True)
    model_name = fields.String(required=True)
    model_version = fields.String(required=True)
    inference_time_ms = fields.Float(required=True)
    timestamp = fields.DateTime(required=True)
    request_id = fields.String(required=True)
    warnings = fields.List(fields.Nested(Fault), metadata={"description": "Categories that training did not see."})


class Prediction(Scored, Answered):
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


class Status(Schema):
    """Answer of the probes."""

    status = fields.String(required=True)


class Health(Status):
    """Answer of /health: `ok`, `degraded` or `down`, and why."""

    timestamp = fields.DateTime(required=True)
    version = fields.String(required=True)
    checks = fields.Dict(required=True)


class ServiceCard(Schema):
    """Answer of /."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    links = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class ModelSummary(Schema):
    """A model in the list."""

    name = fields.String(required=True)
    versions = fields.List(fields.String(), required=True)
    live = fields.String(required=True, allow_none=True, metadata={"description": "Version that answers."})
    ready = fields.Boolean(required=True)
    default = fields.Boolean(required=True)
    reason = fields.String(metadata={"description": "Why it may not answer."})


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


class ProblemAnswer(Schema):
    """Every error: RFC 9457, application/problem+json."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(Fault))
