"""Schemas of models: the bodies and responses of `/models`."""

from marshmallow import Schema, fields, validate

from churn_api.registry.management import PATH
from churn_api.web.core.schemas import BodyOrFileSchema, BodySchema


class LiveVersionSchema(BodySchema):
    """Body of PUT /models/<model>/live."""

    version = fields.String(required=True, validate=validate.Length(1, 32), metadata={"example": "2"})


class ModelPathSchema(BodyOrFileSchema):
    """Body of POST /models."""

    part = "bundle"
    file = (
        "A ZIP file with `card.json`, `model.onnx`, and perhaps `reasons.onnx`, `explanation.json` and `report.json`."
    )
    max_bytes = "MAX_BUNDLE_BYTES"
    names_file = "path"

    path = fields.String(
        required=True,
        validate=validate.Regexp(f"^{PATH.pattern}$", error="Must be <name>/<version>, below the models folder."),
        metadata={"description": "<name>/<version>, below the models folder.", "example": "default/2"},
    )


class RegisteredSchema(Schema):
    """Response of POST /models."""

    name = fields.String(required=True, metadata={"example": "default"})
    version = fields.String(required=True, metadata={"example": "2"})


class ModelSummarySchema(Schema):
    """A model in the list."""

    name = fields.String(required=True, metadata={"example": "default"})
    versions = fields.List(fields.String(), required=True, metadata={"example": ["1", "2"]})
    live = fields.String(required=True, allow_none=True, metadata={"description": "The live version.", "example": "1"})
    generation = fields.Integer(
        required=True, allow_none=True, metadata={"description": "How often the live version was changed."}
    )
    ready = fields.Boolean(required=True)
    default = fields.Boolean(required=True)
    reason = fields.String(
        metadata={
            "description": "Why the model, or the version that was made live last, cannot be loaded.",
            "example": "version 2: model.onnx is not the file that was packaged",
        }
    )
    without_reasons = fields.String(
        metadata={
            "description": "Why the model gives no reasons for its predictions, though its bundle has some.",
            "example": "reasons.onnx is not the file that was packaged: its digest differs from the card's",
        }
    )


class ModelListSchema(Schema):
    """Response of /models."""

    models = fields.List(fields.Nested(ModelSummarySchema), required=True)
    count = fields.Integer(required=True)


class ModelDetailSchema(ModelSummarySchema):
    """Response of /models/<model>: the summary, and the card of the live version."""

    created_at = fields.DateTime()
    scorer = fields.String(validate=validate.OneOf(["onnx", "sklearn"]))
    kind = fields.String(
        validate=validate.OneOf(["tensor"]),
        metadata={"description": "Of a tensor model, which has the next members and no signature."},
    )
    inputs = fields.List(fields.Dict(), metadata={"example": [{"name": "X", "datatype": "FP32", "shape": [-1, 4]}]})
    outputs = fields.List(fields.Dict(), metadata={"example": [{"name": "label", "datatype": "INT64", "shape": [-1]}]})
    labels = fields.List(fields.String(), metadata={"example": ["setosa", "versicolor", "virginica"]})
    scores = fields.Dict(
        allow_none=True,
        metadata={
            "description": "The output with a number for each label, and whether these are probabilities or logits.",
            "example": {"output": "probabilities", "kind": "probabilities"},
        },
    )
    independent_rows = fields.Boolean(metadata={"description": "Whether a row gets the same alone and with others."})
    image = fields.Dict(
        allow_none=True,
        metadata={"description": "How an image becomes the input; null where it takes none.", "example": None},
    )
    signature = fields.Dict(
        metadata={
            "description": "The input contract. `target.horizon_days`, where it is known, says within how many days "
            "the probability is that of leaving.",
            "example": {
                "features": [{"name": "tenure", "type": "integer", "required": True}],
                "target": {"name": "Churn", "positive": "Yes", "negative": "No", "horizon_days": 30},
            },
        }
    )
    policy = fields.Dict(metadata={"example": {"threshold": 0.42, "medium_from": 0.21, "high_from": 0.71}})
    metrics = fields.Dict(metadata={"example": {"roc_auc": 0.84}})
    libraries = fields.Dict(metadata={"example": {"scikit-learn": "1.9.1"}})
    training = fields.Dict(metadata={"example": {"rows": 10_000, "base_rate": 0.27}})
    parity = fields.Dict(metadata={"example": {"proven": True, "tolerance": 1e-6, "rows": 10_000}})
    reasons = fields.Dict(
        allow_none=True,
        metadata={
            "description": "How reasons for predictions are computed; null for a model packaged before there were any.",
            "example": {"method": "exact", "scale": "log_odds", "base": -1.21, "background_rows": 10_000},
        },
    )
