"""Trains a model on a table of customers, and writes a bundle."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from churn_api.contract.remark import Remark
from churn_api.registry.card import Card, Training
from churn_api.registry.evaluation_report import EvaluationReport, Spread
from churn_api.scoring.output import policy_around
from churn_api.training.calibration import choose_calibrator, with_calibrator
from churn_api.training.candidate_list import AUTO, candidate_named
from churn_api.training.candidates import CANDIDATES, Learning, reached_cap
from churn_api.training.evaluation import EvaluatedRows, evaluation_report
from churn_api.training.evaluation_metrics import best_threshold, taken
from churn_api.training.golden import golden_rows
from churn_api.training.importance import most_important
from churn_api.training.packaging import CardDetails, package
from churn_api.training.preparation import TrainingData, prepare
from churn_api.training.splits import FOLDS, Split, SplitOptions, partition, splits
from churn_api.training.training_options import TrainingOptions
from churn_api.training.training_progress import TrainingProgress
from churn_api.training.validation import Evaluation, cross_validate, fit

DEFAULT_LEARNING = Learning()
DEFAULT_SPLITS = SplitOptions()


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
    split_options: SplitOptions = DEFAULT_SPLITS,
) -> TrainingResult:
    """Train on a table, and write the best candidate as the next version of `name`.

    `estimator` is the name of a candidate, or `auto` for the candidate with the lowest cross-validated log loss. Raises
    TrainingError for a table that cannot be used for training; nothing is written then.
    """
    candidates = list(CANDIDATES) if estimator == AUTO else [estimator]
    progress.plan(FOLDS * len(candidates) + 4)
    progress.step(f"reading {table.name}")
    data = prepare(table, replace(options, split_columns=split_options.columns))
    folds = splits(data.labels, split_options, next(iter(data.split_columns.values()), None), learning.seed)
    evaluations = {candidate: _evaluate(data, folds, candidate, learning, progress) for candidate in candidates}
    chosen = min(evaluations, key=lambda candidate: evaluations[candidate].fold_values("log_loss").mean())
    progress.step("calibrating, ranking features")
    method, final = choose_calibrator(data.labels, evaluations[chosen], in_order=split_options.time is not None)
    caps = _caps(evaluations, learning)
    data.remarks.extend(map(_cap_remark, caps.items()))
    metrics = {
        **_metrics(data, evaluations, chosen, method, final, learning),
        "caps": caps,
        "folds": {"time": split_options.time, "group": split_options.group},
        "learning": {
            "seed": learning.seed,
            "class_weight": learning.class_weight,
            "sample_weight": options.sample_weight,
            **learning.of(chosen),
        },
    }
    progress.step(f"fitting {chosen} on all rows")
    pipeline = _fitted(data, chosen, method, learning, folds)
    progress.step("compiling and verifying parity")
    report = _report(data, metrics, final)
    card = _package(pipeline, data, metrics, report, name, models_dir, learning.seed)
    return TrainingResult(card, data.remarks)


def _caps(evaluations: dict[str, Evaluation], learning: Learning) -> dict[str, dict[str, Any]]:
    """By candidate that learned for as long as its cap allows: the setting, its value, and in how many folds."""
    return {
        name: {"setting": cap, "value": learning.of(name)[cap], "folds": evaluation.capped_folds}
        for name, evaluation in evaluations.items()
        if evaluation.capped_folds
        for cap in [candidate_named(name).cap]
    }


def _cap_remark(entry: tuple[str, dict[str, Any]]) -> Remark:
    name, cap = entry
    setting = f"{name}.{cap['setting']}"
    limits = {one.name: one.maximum for one in candidate_named(name).settings}
    higher = min(2 * cap["value"], limits[cap["setting"]])
    return Remark(
        seen=f"{name} was still improving in {cap['folds']} of {FOLDS} folds",
        done=f"stopped at {setting}={cap['value']}",
        option=f"--set {setting}={higher}" if higher > cap["value"] else None,
    )


def _report(data: TrainingData, metrics: dict[str, Any], final: Evaluation) -> EvaluationReport:
    evaluated = final.evaluated
    return evaluation_report(
        data.signature,
        EvaluatedRows(
            data.columns.take(evaluated),
            data.labels[evaluated],
            final.probabilities[evaluated],
            taken(data.weights, evaluated),
        ),
        basis="cross-validation",
        threshold=metrics["threshold"]["value"],
        metrics={name: Spread(**spread) for name, spread in final.summary().items()},
        importance=metrics["importance"],
    )


def _package(
    pipeline: Any,
    data: TrainingData,
    metrics: dict[str, Any],
    report: EvaluationReport,
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
        details=CardDetails(policy_around(metrics["threshold"]["value"]), metrics, provenance, report),
        models_dir=models_dir,
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


def _metrics(
    data: TrainingData,
    evaluations: dict[str, Evaluation],
    chosen: str,
    method: str | None,
    final: Evaluation,
    learning: Learning,
) -> dict[str, Any]:
    """The card's metrics, all computed on held-out rows."""
    evaluated = final.evaluated
    threshold, precision, recall = best_threshold(
        data.labels[evaluated], final.probabilities[evaluated], taken(data.weights, evaluated)
    )
    return {
        "chosen": chosen,
        "candidates": {name: evaluation.summary() for name, evaluation in evaluations.items()},
        "calibration": {"method": method, **final.summary()},
        "threshold": {"value": threshold, "precision": precision, "recall": recall},
        "importance": most_important(final, data.frame, data.labels, learning.seed),
    }
