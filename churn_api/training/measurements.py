"""What is measured of a trained model: on rows out of fold, or on a holdout."""

from typing import Any, Literal, NamedTuple

from churn_api.contract.signature import Signature
from churn_api.registry.evaluation_report import EvaluationMethod, EvaluationReport, Spread
from churn_api.training.evaluation import EvaluatedRows, evaluation_report
from churn_api.training.evaluation_metrics import metrics as metrics_of
from churn_api.training.evaluation_metrics import taken
from churn_api.training.holdout_table import Holdout
from churn_api.training.importance import importance_of, most_important
from churn_api.training.preparation import TrainingData
from churn_api.training.thresholds import rates_at
from churn_api.training.validation import Evaluation


class Measurements(NamedTuple):
    """Metrics, importance, and the rows that they were measured on."""

    basis: Literal["cross-validation", "holdout"]
    rows: EvaluatedRows
    metrics: dict[str, Spread]
    importance: dict[str, float]
    holdout: dict[str, Any] | None = None
    """The card's entry on the holdout."""


def by_folds(data: TrainingData, final: Evaluation, seed: int) -> Measurements:
    """Measured on the rows out of fold."""
    evaluated = final.evaluated
    rows = EvaluatedRows(
        data.columns.take(evaluated),
        data.labels[evaluated],
        final.probabilities[evaluated],
        taken(data.weights, evaluated),
    )
    metrics = {name: Spread(**spread) for name, spread in final.summary().items()}
    return Measurements("cross-validation", rows, metrics, most_important(final, data.frame, data.labels, seed))


def on_holdout(holdout: Holdout, pipeline: Any, threshold: float, seed: int) -> Measurements:
    """The fitted pipeline measured on the holdout."""
    probabilities = pipeline.predict_proba(holdout.frame)[:, 1]
    rows = EvaluatedRows(holdout.columns, holdout.labels, probabilities, holdout.weights)
    measured = metrics_of(holdout.labels, probabilities, holdout.weights)
    entry = {
        "rows": len(holdout.labels),
        "known_rows": holdout.known_rows,
        "sha256": holdout.sha256,
        "metrics": measured,
        **rates_at(threshold, holdout.labels, probabilities, holdout.weights)._asdict(),
    }
    metrics = {name: Spread(value) for name, value in measured.items()}
    importance = importance_of(pipeline, holdout.frame, holdout.labels, seed, holdout.weights)
    return Measurements("holdout", rows, metrics, importance, entry)


def report_of(measured: Measurements, signature: Signature, metrics: dict[str, Any]) -> EvaluationReport:
    """The report, which says how the card's metrics were measured."""
    threshold = metrics["threshold"]
    method = EvaluationMethod(
        time=metrics["folds"]["time"],
        group=metrics["folds"]["group"],
        sample_weight=metrics["learning"]["sample_weight"],
        threshold_by=threshold["chosen_by"],
        calls=threshold["calls"],
    )
    return evaluation_report(
        signature,
        measured.rows,
        basis=measured.basis,
        threshold=threshold["value"],
        metrics=measured.metrics,
        importance=measured.importance,
        method=method,
    )
