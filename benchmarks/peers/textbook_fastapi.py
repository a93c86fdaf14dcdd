"""The usual FastAPI service: a pydantic model a record, a pandas frame, the pipeline's predict_proba."""

from typing import Any, Literal

import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel, create_model

from benchmarks.peers.bundles import PYTHON_TYPES, features, pipelines

models = pipelines()
columns = {feature["name"]: PYTHON_TYPES[feature["type"]] for feature in features()}


def field(feature: dict[str, Any]) -> tuple[Any, Any]:
    """A feature as pydantic declares it."""
    kind = Literal[tuple(feature["choices"])] if "choices" in feature else PYTHON_TYPES[feature["type"]]
    return (kind, ...) if feature.get("required") else (kind | None, None)


Customer: Any = create_model(
    "Customer",
    customer_id=(str | int | None, None),
    **{feature["name"]: field(feature) for feature in features()},  # type: ignore[call-overload]
)


class Batch(BaseModel):
    """Many customers."""

    customers: list[Customer]


app = FastAPI()


def score(model: str, records: list[Any]) -> list[dict[str, Any]]:
    """Predictions of checked records."""
    frame = pd.DataFrame([record.model_dump() for record in records])
    frame = frame.astype({name: "float64" for name, kind in columns.items() if kind is not str})
    probabilities = models[model].predict_proba(frame[list(columns)])[:, 1]
    return [
        {"customer_id": record.customer_id, "churn_probability": float(probability)}
        for record, probability in zip(records, probabilities, strict=True)
    ]


@app.post("/api/v1/predict/{model}")
def predict(model: str, customer: Customer) -> dict[str, Any]:
    """Score one customer."""
    return score(model, [customer])[0]


@app.post("/api/v1/batch-predict/{model}")
def batch_predict(model: str, batch: Batch) -> dict[str, Any]:
    """Score many customers."""
    return {"predictions": score(model, batch.customers)}


@app.get("/health/live")
def live() -> dict[str, str]:
    """Answer."""
    return {"status": "alive"}
