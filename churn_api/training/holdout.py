"""Measures packaged models on one table, by the model that serves: the same customers for each version."""

from collections.abc import Sequence
from pathlib import Path

from churn_api.registry.model import Model
from churn_api.tables.table_errors import TableError
from churn_api.tables.training_table import read_table, to_columns
from churn_api.training.evaluation_metrics import metrics
from churn_api.training.target_labels import target_labels
from churn_api.training.training_error import TrainingError


def metrics_on(path: Path, models: Sequence[Model]) -> list[dict[str, float]]:
    """The metrics of each model on a table that holds the target. Raises TrainingError."""
    try:
        table = read_table(path)
        measured = []
        for model in models:
            signature = model.card.signature
            labels = target_labels(table, signature)
            if labels is None:
                raise TrainingError(f"{path.name} has no column {signature.target.name!r}, which says who churned")
            measured.append(metrics(labels, model.score(to_columns(table, signature))))
        return measured
    except TableError as error:
        raise TrainingError(str(error)) from error
