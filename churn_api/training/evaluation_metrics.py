"""Metrics of probabilities: discrimination, accuracy and reliability."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from churn_api.scoring.empc import empc, roc_hull

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]
Weights = NDArray[np.float64] | None
"""How much each row counts, shape (n,), with a mean of 1; None where all rows count alike."""

ECE_BINS = 10


def taken(weights: Weights, rows: NDArray[Any]) -> Weights:
    """The weights of some rows."""
    return None if weights is None else weights[rows]


def metrics(labels: Labels, probabilities: Probabilities, weights: Weights = None) -> dict[str, float]:
    """The metrics of one fold. `labels` are 0 and 1; all arrays have shape (n,)."""
    return {
        "roc_auc": float(roc_auc_score(labels, probabilities, sample_weight=weights)),
        "pr_auc": float(average_precision_score(labels, probabilities, sample_weight=weights)),
        "brier": float(brier_score_loss(labels, probabilities, sample_weight=weights)),
        "log_loss": float(log_loss(labels, probabilities, sample_weight=weights)),
        "ece": expected_calibration_error(labels, probabilities, weights),
        "empc": expected_maximum_profit(labels, probabilities, weights),
    }


def expected_maximum_profit(labels: Labels, probabilities: Probabilities, weights: Weights = None) -> float:
    """EMPC, with the amounts of its authors: see scoring/empc.py."""
    hull = roc_hull(probabilities, labels.astype(np.float64), weights)
    return empc(hull, float(np.average(labels, weights=weights)))


def expected_calibration_error(labels: Labels, probabilities: Probabilities, weights: Weights = None) -> float:
    """Mean gap between predicted and observed rate over ten bins of equal weight, weighted by it.

    Naeini, Cooper, Hauskrecht: "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015;
    bins of equal count as in Nguyen and O'Connor, EMNLP 2015.
    """
    counts = np.ones(len(labels)) if weights is None else weights
    gaps = [
        abs(np.average(labels[rows] - probabilities[rows], weights=taken(weights, rows))) * counts[rows].sum()
        for rows in equal_count_bins(probabilities, weights)
    ]
    return float(sum(gaps) / counts.sum())


def equal_count_bins(probabilities: Probabilities, weights: Weights = None) -> list[NDArray[np.intp]]:
    """The row indices of ten bins, from the lowest probabilities to the highest; none is empty.

    They have an equal count of rows, or an equal sum of weights up to a row's.
    """
    order = np.argsort(probabilities, kind="stable")
    if weights is None:
        bins = np.array_split(order, ECE_BINS)
    else:
        up_to = np.cumsum(weights[order])
        edges = np.arange(1, ECE_BINS) / ECE_BINS * up_to[-1]
        bins = np.split(order, np.searchsorted(up_to - weights[order] / 2, edges))
    return [rows for rows in bins if len(rows)]
