"""The curves and tables of an evaluation, small enough to keep: `labels` are 0 and 1, arrays have shape (n,)."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from churn_api.registry.evaluation_report import CalibrationBin, OperatingPoint, PrecisionRecallCurve, RocCurve
from churn_api.scoring.output import decide
from churn_api.training.evaluation_metrics import Labels, Probabilities, equal_count_bins

POINTS = 100
_REGULAR_THRESHOLDS = np.arange(1, 20) / 20


def rounded(value: float) -> float:
    """A figure with six significant digits, which no chart shows more of."""
    return float(f"{value:.6g}")


def roc(labels: Labels, probabilities: Probabilities) -> RocCurve:
    """The ROC curve."""
    false_positive_rate, true_positive_rate, _ = roc_curve(labels, probabilities)
    kept = _spread_along(false_positive_rate + true_positive_rate)
    return RocCurve(
        false_positive_rate=_values(false_positive_rate[kept]), true_positive_rate=_values(true_positive_rate[kept])
    )


def precision_recall(labels: Labels, probabilities: Probabilities) -> PrecisionRecallCurve:
    """The precision-recall curve."""
    precision, recall, _ = precision_recall_curve(labels, probabilities)
    precision, recall = precision[::-1], recall[::-1]
    kept = _spread_along(recall)
    return PrecisionRecallCurve(recall=_values(recall[kept]), precision=_values(precision[kept]))


def calibration(labels: Labels, probabilities: Probabilities) -> tuple[CalibrationBin, ...]:
    """Ten bins of equal count, from the lowest probabilities to the highest."""
    return tuple(
        CalibrationBin(
            predicted=rounded(probabilities[rows].mean()), observed=rounded(labels[rows].mean()), rows=len(rows)
        )
        for rows in equal_count_bins(probabilities)
    )


def gains(labels: Labels, probabilities: Probabilities) -> tuple[float, ...]:
    """The share of churners among the top 0, 1, … 100 per cent of customers by probability; 101 values.

    Customers with the same probability count alike, in whatever order the table has them.
    """
    scores, ranks, counts = np.unique(-probabilities, return_inverse=True, return_counts=True)
    contacted = np.concatenate([[0], np.cumsum(counts)])
    reached = np.concatenate([[0], np.cumsum(np.bincount(ranks, weights=labels, minlength=len(scores)))])
    return _values(np.interp(np.linspace(0, 1, 101), contacted / len(labels), reached / labels.sum()))


def operating_points(labels: Labels, probabilities: Probabilities, threshold: float) -> tuple[OperatingPoint, ...]:
    """The confusion matrix at 0.05, 0.10, … 0.95 and at the model's own threshold, thresholds ascending."""
    thresholds = sorted([*_REGULAR_THRESHOLDS.tolist(), threshold])
    return tuple(_operating_point(labels, probabilities, value) for value in thresholds)


def _operating_point(labels: Labels, probabilities: Probabilities, threshold: float) -> OperatingPoint:
    predicted = decide(probabilities, threshold)
    churned = labels == 1
    return OperatingPoint(
        threshold=threshold,
        true_positives=int((predicted & churned).sum()),
        false_positives=int((predicted & ~churned).sum()),
        false_negatives=int((~predicted & churned).sum()),
        true_negatives=int((~predicted & ~churned).sum()),
    )


def _spread_along(position: NDArray[np.float64]) -> NDArray[np.intp]:
    """At most POINTS indices, both ends among them, evenly spread along an ascending position."""
    wanted = np.linspace(position[0], position[-1], POINTS - 1)
    nearest = np.searchsorted(position, wanted).clip(0, len(position) - 1)
    return np.unique([0, *nearest.tolist(), len(position) - 1])


def _values(array: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(rounded(value) for value in array.tolist())
