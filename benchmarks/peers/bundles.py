"""The bundles as a hand-written service would have them: a pickle, and the fields of a record."""

import json
import os
from pathlib import Path
from typing import Any

import joblib

MODELS = Path(os.environ.get("CHURN_MODELS_DIR", "models"))
PYTHON_TYPES = {"integer": int, "number": float, "boolean": bool, "string": str}


def pipelines() -> dict[str, Any]:
    """Every model's pipeline, by name."""
    return {folder.name: joblib.load(folder / "1" / "model.joblib") for folder in MODELS.iterdir()}


def features() -> list[dict[str, Any]]:
    """The features of a record; every bundle of a benchmark has the same."""
    card = next(MODELS.glob("*/1/card.json"))
    result: list[dict[str, Any]] = json.loads(card.read_text())["signature"]["features"]
    return result
