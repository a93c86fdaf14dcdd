"""The curves and tables of an evaluation, small enough to keep: `labels` are 0 and 1, arrays have shape (n,).

Each row counts by its weight, where there are weights.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from churn_api.registry.evaluation_report import (
    CalibrationBin,
    OperatingPoint,
    OutcomeCounts,
    PrecisionRecallCurve,
    RocCurve,
)
from churn_api.scoring.output import decide
from churn_api.scoring.profit import OutcomeHistogram
from churn_api.training.evaluation_metrics import Labels, Probabilities, Weights, equal_count_bins, taken

POINTS = 100
_REGULAR_THRESHOLDS = np.arange(1, 20) / 20


def rounded(value: float) -> float:
    """A figure with six significant digits, which no chart shows more of."""
    return float(f"{value:.6g}")


def roc(labels: Labels, probabilities: Probabilities, weights: Weights = None) -> RocCurve:
    """The ROC curve."""
    false_positive_rate, true_positive_rate, _ = roc_curve(labels, probabilities, sample_weight=weights)
    kept = _spread_along(false_positive_rate + true_positive_rate)
    return RocCurve(
        false_positive_rate=_values(false_positive_rate[kept]), true_positive_rate=_values(true_positive_rate[kept])
    )


def precision_recall(labels: Labels, probabilities: Probabilities, weights: Weights = None) -> PrecisionRecallCurve:
    """The precision-recall curve."""
    precision, recall, _ = precision_recall_curve(labels, probabilities, sample_weight=weights)
    precision, recall = precision[::-1], recall[::-1]
    kept = _spread_along(recall)
    return PrecisionRecallCurve(recall=_values(recall[kept]), precision=_values(precision[kept]))


def calibration(labels: Labels, probabilities: Probabilities, weights: Weights = None) -> tuple[CalibrationBin, ...]:
    """Ten bins of equal count or weight, from the lowest probabilities to the highest."""
    return tuple(
        CalibrationBin(
            predicted=rounded(np.average(probabilities[rows], weights=taken(weights, rows))),
            observed=rounded(np.average(labels[rows], weights=taken(weights, rows))),
            rows=len(rows),
        )
        for rows in equal_count_bins(probabilities, weights)
    )


def gains(labels: Labels, probabilities: Probabilities, weights: Weights = None) -> tuple[float, ...]:
    """The share of churners among the top 0, 1, … 100 per cent of customers by probability; 101 values.

    Customers with the same probability count alike, in whatever order the table has them.
    """
    ranks = np.unique(-probabilities, return_inverse=True)[1]
    counts = np.ones(len(labels)) if weights is None else weights
    contacted = np.concatenate([[0], np.cumsum(np.bincount(ranks, weights=counts))])
    reached = np.concatenate([[0], np.cumsum(np.bincount(ranks, weights=labels * counts))])
    return _values(np.interp(np.linspace(0, 1, 101), contacted / contacted[-1], reached / reached[-1]))


def operating_points(
    labels: Labels, probabilities: Probabilities, threshold: float, weights: Weights = None
) -> tuple[OperatingPoint, ...]:
    """The confusion matrix at 0.05, 0.10, … 0.95 and at the model's own threshold, thresholds ascending."""
    thresholds = sorted([*_REGULAR_THRESHOLDS.tolist(), threshold])
    return tuple(operating_point(labels, probabilities, value, weights) for value in thresholds)


def count(rows: NDArray[np.bool_], weights: Weights) -> int | float:
    """The number of rows in a mask, or the sum of their weights."""
    return int(rows.sum()) if weights is None else round(float(weights[rows].sum()), 6)


def outcome_counts(labels: Labels, probabilities: Probabilities, weights: Weights = None) -> OutcomeCounts:
    """Customers by their probability, those who churned and the others."""
    found = OutcomeHistogram.of(probabilities, labels.astype(np.float64), weights)
    if weights is not None:
        return OutcomeCounts(leavers=_values(found.leavers), loyal=_values(found.loyal))
    leavers, loyal = (tuple(counts.astype(int).tolist()) for counts in found)
    return OutcomeCounts(leavers=leavers, loyal=loyal)


def operating_point(
    labels: Labels, probabilities: Probabilities, threshold: float, weights: Weights = None
) -> OperatingPoint:
    """The confusion matrix at one threshold."""
    predicted = decide(probabilities, threshold)
    churned = labels == 1
    return OperatingPoint(
        threshold=threshold,
        true_positives=count(predicted & churned, weights),
        false_positives=count(predicted & ~churned, weights),
        false_negatives=count(~predicted & churned, weights),
        true_negatives=count(~predicted & ~churned, weights),
    )


def _spread_along(position: NDArray[np.float64]) -> NDArray[np.intp]:
    """At most POINTS indices, both ends among them, evenly spread along an ascending position."""
    wanted = np.linspace(position[0], position[-1], POINTS - 1)
    nearest = np.searchsorted(position, wanted).clip(0, len(position) - 1)
    return np.unique([0, *nearest.tolist(), len(position) - 1])


def _values(array: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(rounded(value) for value in array.tolist())
