"""The models of a benchmark: a boosted and a logistic one on the same sample data."""

import json
from pathlib import Path
from typing import Any

from benchmarks.servers import ROOT, churn_api

FOLDER = ROOT / "instance" / "bench"
MODELS = ("boosting", "logistic")
ROWS = 5000


def make_models(
    folder: Path,
    sample: Path | None = None,
    target: str = "churn",
    identifier: str = "customer_id",
    root: Path = ROOT,
) -> Path:
    """Train both, unless they are there, and return their models folder. `sample` replaces the sample data.

    `root` is the checkout that trains them.
    """
    models, table = folder / "models", folder / "customers.csv"
    folder.mkdir(parents=True, exist_ok=True)
    if not table.exists():
        rows = sample.read_bytes() if sample else churn_api("sample-data", "--rows", str(ROWS), root=root)
        table.write_bytes(rows)
    for name in MODELS:
        if not (models / name).exists():
            options = ["--target", target, "--id", identifier, "--estimator", name, "--name", name]
            environment = {"CHURN_MODELS_DIR": str(models), "CHURN_DEFAULT_MODEL": "boosting"}
            churn_api("train", str(table), *options, root=root, **environment)
    return models


def customers(folder: Path, models: Path) -> tuple[list[dict[str, Any]], dict[str, list[float]]]:
    """The table's first thousand customers as records, and each pipeline's own probabilities of them."""
    import joblib

    from churn_api.registry.bundle import read_card
    from churn_api.scoring.sklearn import to_frame
    from churn_api.tables.training_table import read_table, to_columns, to_records

    table = read_table(folder / "customers.csv").slice(0, 1000)
    signature = read_card(models / MODELS[0] / "1").signature
    frame = to_frame(to_columns(table, signature), signature)
    pipelines = {name: joblib.load(models / name / "1" / "model.joblib") for name in MODELS}
    expected = {name: pipeline.predict_proba(frame)[:, 1].tolist() for name, pipeline in pipelines.items()}
    return json.loads(json.dumps(list(to_records(table, signature)))), expected


def write_bodies(folder: Path, records: list[dict[str, Any]]) -> tuple[Path, Path]:
    """Files with what a client sends: the first customer, and all of them."""
    one, many = folder / "one.json", folder / "many.json"
    one.write_text(json.dumps(records[0]))
    many.write_text(json.dumps({"customers": records}))
    return one, many
