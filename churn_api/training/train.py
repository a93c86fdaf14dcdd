"""Training: a table of customers becomes a bundle."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from churn_api.registry.card import Card, Training
from churn_api.scoring.output import policy_around
from churn_api.training.calibration import calibrated, choose_method
from churn_api.training.candidates import CANDIDATES, SEED
from churn_api.training.evaluation_metrics import best_threshold
from churn_api.training.golden import golden_rows
from churn_api.training.importance import most_important
from churn_api.training.packaging import About, package
from churn_api.training.preparation import TrainingData, TrainingOptions, prepare
from churn_api.training.training_progress import TrainingProgress
from churn_api.training.validation import FOLDS, Evaluation, cross_validate, fit

AUTO = "auto"


@dataclass(frozen=True)
class TrainingResult:
    """What training made, and what it has to say about the table."""

    card: Card
    warnings: list[str]


def train(
    table: Path,
    choices: TrainingOptions,
    *,
    name: str,
    models_dir: Path,
    progress: TrainingProgress,
    estimator: str = AUTO,
) -> TrainingResult:
    """Train on a table and write the best candidate as the next version of `name`.

    `estimator` is the name of a candidate, or `auto` for the one of the least cross-validated log loss. Raises
    TrainingError for a table that no model can be made from; nothing is written then.
    """
    names = list(CANDIDATES) if estimator == AUTO else [estimator]
    progress.plan(FOLDS * len(names) + 4)
    progress.step(f"reading {table.name}")
    prepared = prepare(table, choices)
    evaluations = {name: _evaluate(prepared, name, progress) for name in names}
    chosen = min(evaluations, key=lambda name: evaluations[name].fold_values("log_loss").mean())
    progress.step("calibrating, ranking features")
    method, final = choose_method(prepared.labels, evaluations[chosen])
    metrics = _metrics(prepared, evaluations, chosen, method, final)
    progress.step(f"fitting {chosen} on all rows")
    pipeline = fit(_pipeline(prepared, chosen, method), prepared.frame, prepared.labels)
    progress.step("compiling and proving")
    card = package(
        pipeline,
        prepared.signature,
        name=name,
        columns=prepared.columns,
        golden=golden_rows(prepared.signature, prepared.columns, SEED),
        about=About(policy_around(metrics["threshold"]["value"]), metrics, _provenance(prepared)),
        models_dir=models_dir,
    )
    return TrainingResult(card, prepared.warnings)


def _provenance(prepared: TrainingData) -> Training:
    return Training(rows=len(prepared.labels), base_rate=float(prepared.labels.mean()), sha256=prepared.sha256)


def _pipeline(prepared: TrainingData, candidate: str, method: str | None) -> Any:
    pipeline = CANDIDATES[candidate](prepared.signature, prepared.columns)
    return calibrated(pipeline) if method else pipeline


def _evaluate(prepared: TrainingData, candidate: str, progress: TrainingProgress) -> Evaluation:
    return cross_validate(
        partial(CANDIDATES[candidate], prepared.signature, prepared.columns),
        prepared.frame,
        prepared.labels,
        lambda fold: progress.step(f"{candidate}: fold {fold} of {FOLDS}"),
    )


def _metrics(
    prepared: TrainingData, evaluations: dict[str, Evaluation], chosen: str, method: str | None, final: Evaluation
) -> dict[str, Any]:
    """What the card tells of the model's quality: all of it from rows that the judged pipeline did not see."""
    threshold, precision, recall = best_threshold(prepared.labels, final.probabilities)
    return {
        "chosen": chosen,
        "candidates": {name: evaluation.summary() for name, evaluation in evaluations.items()},
        "calibration": {"method": method, **final.summary()},
        "threshold": {"value": threshold, "precision": precision, "recall": recall},
        "importance": most_important(final, prepared.frame, prepared.labels),
    }
