"""The usual Flask service: a Marshmallow schema a record, a pandas frame, the pipeline's predict_proba, jsonify."""

import pandas as pd
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate

from benchmarks.peers.bundles import PYTHON_TYPES, features, pipelines

FIELDS = {"integer": fields.Integer, "number": fields.Float, "boolean": fields.Boolean, "string": fields.String}

app = Flask(__name__)
models = pipelines()
columns = {feature["name"]: PYTHON_TYPES[feature["type"]] for feature in features()}
schema = Schema.from_dict(
    {"customer_id": fields.Raw(load_default=None)}
    | {
        feature["name"]: FIELDS[feature["type"]](
            **({"required": True} if feature.get("required") else {"allow_none": True, "load_default": None}),
            validate=validate.OneOf(feature["choices"]) if "choices" in feature else None,
        )
        for feature in features()
    }
)()


def score(model: str, records: list[dict[str, object]]) -> list[dict[str, object]]:
    """Predictions of checked records."""
    frame = pd.DataFrame(records)
    frame = frame.astype({name: "float64" for name, kind in columns.items() if kind is not str})
    probabilities = models[model].predict_proba(frame[list(columns)])[:, 1]
    return [
        {"customer_id": record["customer_id"], "churn_probability": float(probability)}
        for record, probability in zip(records, probabilities, strict=True)
    ]


@app.post("/api/v1/predict/<model>")
def predict(model: str) -> ResponseReturnValue:
    """Score one customer."""
    return jsonify(score(model, [schema.load(request.get_json())])[0])


@app.post("/api/v1/batch-predict/<model>")
def batch_predict(model: str) -> ResponseReturnValue:
    """Score many customers."""
    return jsonify(predictions=score(model, [schema.load(record) for record in request.get_json()["customers"]]))


@app.get("/health/live")
def live() -> ResponseReturnValue:
    """Answer."""
    return jsonify(status="alive")
