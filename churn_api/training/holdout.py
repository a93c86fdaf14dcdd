"""Measures packaged models on one table, by the model that serves: the same customers for each version."""

from collections.abc import Sequence
from pathlib import Path

from churn_api.contract.remark import Remark
from churn_api.registry.model import Model
from churn_api.tables.read_options import AS_IT_IS, ReadOptions
from churn_api.tables.table_errors import TableError
from churn_api.tables.training_table import file_remarks, read_table, to_columns
from churn_api.training.evaluation_metrics import metrics
from churn_api.training.target_labels import target_labels
from churn_api.training.training_error import TrainingError


def metrics_on(
    path: Path, models: Sequence[Model], options: ReadOptions = AS_IT_IS
) -> tuple[list[dict[str, float]], list[Remark]]:
    """The metrics of each model on a table that holds the target, and what was assumed about the table's file.

    Raises TrainingError.
    """
    try:
        table = read_table(path, options, target=models[0].card.signature.target.name)
        measured = []
        for model in models:
            signature = model.card.signature
            labels = target_labels(table, signature)
            if labels is None:
                raise TrainingError(f"{path.name} has no column {signature.target.name!r}, which says who churned")
            measured.append(metrics(labels, model.score(to_columns(table, signature))))
        return measured, file_remarks(table)
    except TableError as error:
        raise TrainingError(str(error)) from error
