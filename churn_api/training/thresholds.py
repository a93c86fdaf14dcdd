"""Chooses the threshold from probabilities of rows that the pipeline was not fitted on.

A threshold lies in the middle between two neighbouring probabilities: a row whose probability were the threshold would
get another decision for a difference in the last digit.
"""

from typing import Literal, NamedTuple

import numpy as np
from sklearn.metrics import precision_recall_curve

from churn_api.training.curves import operating_point
from churn_api.training.evaluation_metrics import Labels, Probabilities, Weights


class Threshold(NamedTuple):
    """A threshold, and what it does to the rows that it was chosen on."""

    value: float
    precision: float
    recall: float
    chosen_by: Literal["f1", "calls"]
    flagged: float
    """The share of the rows, by weight, whose probability reaches it."""
    calls: int | None = None
    """How many of the table's rows it was to flag."""


class Rates(NamedTuple):
    """What a threshold does to some rows."""

    precision: float | None
    """None where no row is flagged."""
    recall: float
    flagged: float
    """The share of the rows, by weight."""


def largest_f1(labels: Labels, probabilities: Probabilities, weights: Weights = None) -> Threshold:
    """The threshold with the largest F1. All arrays have shape (n,)."""
    precision, recall, thresholds = precision_recall_curve(labels, probabilities, sample_weight=weights)
    product, total = precision * recall, precision + recall
    f1 = np.divide(2 * product, total, out=np.zeros_like(total), where=total > 0)[:-1]
    # Of thresholds that are as good, the lowest, whatever the last digit of a sum is.
    best = int(np.argmax(f1 >= f1.max() * (1 - 1e-12)))
    below = thresholds[best - 1] if best else 0.0
    value = _between(below, thresholds[best])
    rates = rates_at(value, labels, probabilities, weights)
    return Threshold(value, float(precision[best]), float(recall[best]), "f1", rates.flagged)


def flagging_share(share: float, labels: Labels, probabilities: Probabilities, weights: Weights = None) -> Threshold:
    """The lowest threshold that flags at most a share (from 0 to 1) of the rows. All arrays have shape (n,).

    Rows with the same probability are flagged together; those with the highest one are always flagged.
    """
    counts = np.ones(len(labels)) if weights is None else weights
    negated, ranks = np.unique(-probabilities, return_inverse=True)
    flagged = np.cumsum(np.bincount(ranks, weights=counts)) / counts.sum()
    last = max(0, int(np.searchsorted(flagged, share * (1 + 1e-9), side="right")) - 1)
    below = -negated[last + 1] if last + 1 < len(negated) else 0.0
    value = _between(below, -negated[last])
    rates = rates_at(value, labels, probabilities, weights)
    return Threshold(value, rates.precision or 0.0, rates.recall, "calls", rates.flagged)


def rates_at(value: float, labels: Labels, probabilities: Probabilities, weights: Weights = None) -> Rates:
    """What a threshold does to n rows. All arrays have shape (n,)."""
    point = operating_point(labels, probabilities, value, weights)
    flagged = point.true_positives + point.false_positives
    return Rates(
        precision=point.true_positives / flagged if flagged else None,
        recall=point.true_positives / (point.true_positives + point.false_negatives),
        flagged=flagged / (flagged + point.false_negatives + point.true_negatives),
    )


def _between(below: float, at: float) -> float:
    middle = (below + at) / 2
    return float(middle if middle > below else at)
