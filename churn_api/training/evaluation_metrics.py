"""Metrics of probabilities: discrimination, accuracy and reliability."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, precision_recall_curve, roc_auc_score

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]

ECE_BINS = 10


def metrics(labels: Labels, probabilities: Probabilities) -> dict[str, float]:
    """The metrics of one fold. `labels` are 0 and 1; both arrays have shape (n,)."""
    return {
        "roc_auc": float(roc_auc_score(labels, probabilities)),
        "pr_auc": float(average_precision_score(labels, probabilities)),
        "brier": float(brier_score_loss(labels, probabilities)),
        "log_loss": float(log_loss(labels, probabilities)),
        "ece": expected_calibration_error(labels, probabilities),
    }


def expected_calibration_error(labels: Labels, probabilities: Probabilities) -> float:
    """Mean gap between predicted and observed rate over ten bins of equal count, weighted by count.

    Naeini, Cooper, Hauskrecht: "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015;
    bins of equal count as in Nguyen and O'Connor, EMNLP 2015.
    """
    bins = equal_count_bins(probabilities)
    gaps = [abs(labels[rows].mean() - probabilities[rows].mean()) * len(rows) for rows in bins]
    return float(sum(gaps) / len(labels))


def equal_count_bins(probabilities: Probabilities) -> list[NDArray[np.intp]]:
    """The row indices of ten bins of equal count, from the lowest probabilities to the highest; none is empty."""
    bins = np.array_split(np.argsort(probabilities, kind="stable"), ECE_BINS)
    return [rows for rows in bins if len(rows)]


def best_threshold(labels: Labels, probabilities: Probabilities) -> tuple[float, float, float]:
    """The threshold with the largest F1, with its precision and recall. Both arrays have shape (n,).

    It lies in the middle between two neighbouring probabilities: a row whose probability were the threshold would get
    another decision for a difference in the last digit.
    """
    precision, recall, thresholds = precision_recall_curve(labels, probabilities)
    product, total = precision * recall, precision + recall
    f1 = np.divide(2 * product, total, out=np.zeros_like(total), where=total > 0)[:-1]
    best = int(np.argmax(f1))
    below = thresholds[best - 1] if best else 0.0
    return float((below + thresholds[best]) / 2), float(precision[best]), float(recall[best])
