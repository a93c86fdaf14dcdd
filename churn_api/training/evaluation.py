"""Makes a bundle's evaluation report from probabilities of rows that the pipeline was not fitted on."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.registry.evaluation_report import EvaluationMethod, EvaluationReport, Spread
from churn_api.training import curves
from churn_api.training.effects import effects
from churn_api.training.evaluation_metrics import Labels, Probabilities, Weights


class EvaluatedRows(NamedTuple):
    """What is known of n rows that a model is evaluated on; all arrays have shape (n,)."""

    columns: Columns
    labels: Labels
    probabilities: Probabilities
    weights: Weights = None


def evaluation_report(
    signature: Signature,
    evaluated: EvaluatedRows,
    *,
    basis: Literal["cross-validation", "holdout", "golden table"],
    threshold: float,
    metrics: Mapping[str, Spread],
    importance: Mapping[str, float] | None = None,
    method: EvaluationMethod | None = None,
) -> EvaluationReport:
    """The report on n rows."""
    columns, labels, probabilities, weights = evaluated
    if weights is not None:
        weights = weights / weights.mean()
    important = dict(importance or {})
    return EvaluationReport(
        basis=basis,
        method=method,
        rows=len(labels),
        positives=curves.count(labels == 1, weights),
        threshold=threshold,
        metrics=dict(metrics),
        roc=curves.roc(labels, probabilities, weights),
        precision_recall=curves.precision_recall(labels, probabilities, weights),
        calibration=curves.calibration(labels, probabilities, weights),
        gains=curves.gains(labels, probabilities, weights),
        operating_points=curves.operating_points(labels, probabilities, threshold, weights),
        importance=important,
        effects=effects(signature, columns, labels, probabilities, list(important), weights),
        outcomes=curves.outcome_counts(labels, probabilities, weights),
    )
