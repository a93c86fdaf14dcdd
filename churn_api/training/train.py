"""Trains a model on a table of customers, and writes a bundle."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from churn_api.contract.remark import Remark
from churn_api.registry.card import Card, Training
from churn_api.scoring.output import policy_around
from churn_api.training.calibration import choose_calibrator, with_calibrator
from churn_api.training.candidate_list import AUTO
from churn_api.training.candidates import CANDIDATES, Learning, reached_cap
from churn_api.training.caps import cap_remark, reached_caps
from churn_api.training.evaluation_options import EvaluationOptions
from churn_api.training.feature_checks import perfection_remarks
from churn_api.training.golden import golden_rows
from churn_api.training.holdout_table import Holdout, read_holdout
from churn_api.training.measurements import Measurements, by_folds, on_holdout, report_of
from churn_api.training.packaging import CardDetails, package
from churn_api.training.preparation import TrainingData, prepare
from churn_api.training.splits import FOLDS, Split, partition, splits
from churn_api.training.text_encodings import encoding_remarks
from churn_api.training.threshold_choice import check_calls, choose_threshold
from churn_api.training.training_options import TrainingOptions
from churn_api.training.training_progress import TrainingProgress
from churn_api.training.validation import Evaluation, cross_validate, fit

DEFAULT_LEARNING = Learning()
DEFAULT_EVALUATION = EvaluationOptions()


@dataclass(frozen=True)
class TrainingResult:
    """The card of the new bundle, and remarks about the table."""

    card: Card
    remarks: list[Remark]


def train(
    table: Path,
    options: TrainingOptions,
    *,
    name: str,
    models_dir: Path,
    progress: TrainingProgress,
    estimator: str = AUTO,
    learning: Learning = DEFAULT_LEARNING,
    evaluation: EvaluationOptions = DEFAULT_EVALUATION,
) -> TrainingResult:
    """Train on a table, and write the best candidate as the next version of `name`.

    `estimator` is the name of a candidate, or `auto` for the candidate with the lowest cross-validated log loss. Raises
    TrainingError for a table that cannot be used for training; nothing is written then.
    """
    candidates = list(CANDIDATES) if estimator == AUTO else [estimator]
    progress.plan(FOLDS * len(candidates) + 4 + (2 if evaluation.holdout else 0))
    data, holdout = _read(table, options, evaluation, progress)
    folds = splits(data.labels, evaluation, next(iter(data.split_columns.values()), None), learning.seed)
    evaluations = {candidate: _evaluate(data, folds, candidate, learning, progress) for candidate in candidates}
    chosen = min(evaluations, key=lambda candidate: evaluations[candidate].fold_values("log_loss").mean())
    progress.step("calibrating, choosing the threshold")
    method, final = choose_calibrator(data.labels, evaluations[chosen], in_order=evaluation.time is not None)
    caps = reached_caps(evaluations, learning)
    data.remarks.extend(cap_remark(candidate, cap) for candidate, cap in caps.items())
    threshold = choose_threshold(data, final, evaluation.calls)
    progress.step(f"fitting {chosen} on all rows")
    pipeline = _fitted(data, chosen, method, learning, folds)
    data.remarks.extend(encoding_remarks(pipeline, data.frame))
    if holdout is None:
        measured = by_folds(data, final, learning.seed)
    else:
        progress.step("evaluating on the holdout")
        measured = on_holdout(holdout, pipeline, threshold.value, learning.seed)
    data.remarks.extend(perfection_remarks(measured.metrics["roc_auc"].mean, measured.importance))
    metrics = {
        "chosen": chosen,
        "candidates": {candidate: one.summary() for candidate, one in evaluations.items()},
        "calibration": {"method": method, **final.summary()},
        "holdout": measured.holdout,
        "threshold": threshold._asdict(),
        "importance": measured.importance,
        "caps": caps,
        "folds": {"time": evaluation.time, "group": evaluation.group},
        "learning": _learning_of(chosen, learning, options),
    }
    progress.step("compiling and verifying parity")
    card = _package(pipeline, data, metrics, measured, name, models_dir, learning.seed)
    return TrainingResult(card, data.remarks)


def _read(
    table: Path, options: TrainingOptions, evaluation: EvaluationOptions, progress: TrainingProgress
) -> tuple[TrainingData, Holdout | None]:
    """The training table, and the holdout where there is one. Raises TrainingError."""
    progress.step(f"reading {table.name}")
    data = prepare(table, replace(options, split_columns=evaluation.columns))
    check_calls(evaluation.calls, data)
    if evaluation.holdout is None:
        return data, None
    progress.step(f"reading {evaluation.holdout.name}")
    return data, read_holdout(evaluation.holdout, data, options)


def _learning_of(candidate: str, learning: Learning, options: TrainingOptions) -> dict[str, Any]:
    """How the candidate learned, as the card has it."""
    return {
        "seed": learning.seed,
        "class_weight": learning.class_weight,
        "sample_weight": options.sample_weight,
        **learning.of(candidate),
    }


def _package(
    pipeline: Any,
    data: TrainingData,
    metrics: dict[str, Any],
    measured: Measurements,
    name: str,
    models_dir: Path,
    seed: int,
) -> Card:
    provenance = Training(
        rows=len(data.labels),
        base_rate=float(np.average(data.labels, weights=data.weights)),
        sha256=data.sha256,
        remarks=tuple(data.remarks),
    )
    return package(
        pipeline,
        data.signature,
        name=name,
        columns=data.columns,
        golden=golden_rows(data.signature, data.columns, seed),
        details=CardDetails(
            policy_around(metrics["threshold"]["value"]),
            metrics,
            provenance,
            report_of(measured, data.signature, metrics),
            measured.rows.probabilities,
        ),
        models_dir=models_dir,
        weights=data.weights,
    )


def _fitted(data: TrainingData, candidate: str, method: str | None, learning: Learning, folds: list[Split]) -> Any:
    """The pipeline to package, fitted on all rows; its calibrator on predictions out of the evaluation's folds."""
    pipeline = CANDIDATES[candidate](data.signature, data.columns, learning)
    if method is None:
        return fit(pipeline, data.frame, data.labels, data.weights)
    fit(with_calibrator(pipeline, partition(folds, len(data.labels))), data.frame, data.labels, data.weights)
    # The numbers of the rows in each fold would be part of the bundle.
    return pipeline.set_params(classifier__cv=FOLDS)


def _evaluate(
    data: TrainingData, folds: list[Split], candidate: str, learning: Learning, progress: TrainingProgress
) -> Evaluation:
    return cross_validate(
        partial(CANDIDATES[candidate], data.signature, data.columns, learning),
        data.frame,
        data.labels,
        lambda fold: progress.step(f"{candidate}: fold {fold} of {FOLDS}"),
        splits=folds,
        reached_cap=lambda pipeline: reached_cap(pipeline, candidate, learning),
        weights=data.weights,
    )
