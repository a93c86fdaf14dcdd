"""Makes a bundle's evaluation report from probabilities of rows that the pipeline was not fitted on."""

from collections.abc import Mapping
from typing import Literal

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.registry.evaluation_report import EvaluationReport, Spread
from churn_api.training import curves
from churn_api.training.effects import effects
from churn_api.training.evaluation_metrics import Labels, Probabilities


def evaluation_report(
    signature: Signature,
    columns: Columns,
    labels: Labels,
    probabilities: Probabilities,
    *,
    basis: Literal["cross-validation", "golden table"],
    threshold: float,
    metrics: Mapping[str, Spread],
    importance: Mapping[str, float] | None = None,
) -> EvaluationReport:
    """The report on n rows; `labels` (0 and 1) and `probabilities` have shape (n,)."""
    important = dict(importance or {})
    return EvaluationReport(
        basis=basis,
        rows=len(labels),
        positives=int(labels.sum()),
        threshold=threshold,
        metrics=dict(metrics),
        roc=curves.roc(labels, probabilities),
        precision_recall=curves.precision_recall(labels, probabilities),
        calibration=curves.calibration(labels, probabilities),
        gains=curves.gains(labels, probabilities),
        operating_points=curves.operating_points(labels, probabilities, threshold),
        importance=important,
        effects=effects(signature, columns, labels, probabilities, list(important)),
    )
