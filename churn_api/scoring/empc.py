"""EMPC, the expected maximum profit of a churn model: what its ranking is worth, per customer.

Verbraken, Verbeke, Baesens: "A Novel Profit Maximizing Metric for Measuring Classification Performance of Customer
Churn Prediction Models", IEEE Transactions on Knowledge and Data Engineering 25(5), 2013. The share of leavers that an
offer keeps is not known, and follows a Beta(6, 14); for each such share the best threshold is chosen, and the profit is
its mean over all shares.
"""

from itertools import pairwise
from math import comb
from typing import NamedTuple

import numpy as np

from churn_api.scoring.costs import Doubles

ALPHA, BETA = 6, 14
VALUE, OFFER, CONTACT = 200.0, 10.0, 1.0
"""The authors' amounts: the metric is to compare models, not to plan a campaign."""


class RocHull(NamedTuple):
    """The upper convex hull of a ROC curve, from (0, 0) to (1, 1): arrays of shape (k,)."""

    loyal: Doubles
    """Share of the loyal customers that are called: the false positive rate."""
    leavers: Doubles
    """Share of the leavers that are called: the true positive rate."""


def roc_hull(probabilities: Doubles, left: Doubles, weights: Doubles | None = None) -> RocHull:
    """The hull of n customers, leavers and loyal ones among them. `left` is 0 or 1; all arrays have shape (n,)."""
    counts = np.ones(len(left)) if weights is None else weights
    ranks = np.unique(-probabilities, return_inverse=True)[1]
    leavers = np.bincount(ranks, left * counts).cumsum()
    loyal = np.bincount(ranks, (1 - left) * counts).cumsum()
    return _hull(np.append(0.0, loyal / loyal[-1]), np.append(0.0, leavers / leavers[-1]))


def empc(
    hull: RocHull, churn_rate: float, value: float = VALUE, offer: float = OFFER, contact: float = CONTACT
) -> float:
    """The expected maximum profit for each customer, in the currency of the amounts; `value` is above `offer`.

    Between two corners of the hull the profit grows with the share g of leavers that the offer keeps; the next corner
    is better from the g on where both give the same. So the integral is a sum of the Beta distribution's.
    """
    leavers, loyal = churn_rate * hull.leavers, (1 - churn_rate) * hull.loyal
    wasted = (offer + contact) * loyal
    with np.errstate(divide="ignore"):
        better_from = (contact + np.diff(wasted) / np.diff(leavers)) / (value - offer)
    edges = np.concatenate([[0.0], np.clip(better_from, 0, 1), [1.0]])
    mass = np.diff([beta_cdf(edge, ALPHA, BETA) for edge in edges])
    # Of g, the mean over each range, times its mass.
    means = ALPHA / (ALPHA + BETA) * np.diff([beta_cdf(edge, ALPHA + 1, BETA) for edge in edges])
    return float(np.sum(leavers * ((value - offer) * means - contact * mass) - wasted * mass))


def beta_cdf(x: float, alpha: int, beta: int) -> float:
    """The distribution function of a Beta with whole parameters, at x from 0 to 1.

    It is the chance that of alpha + beta - 1 tries at least alpha succeed.
    """
    tries = alpha + beta - 1
    return sum(comb(tries, hits) * x**hits * (1 - x) ** (tries - hits) for hits in range(alpha, tries + 1))


def _hull(loyal: Doubles, leavers: Doubles) -> RocHull:
    """The upper convex hull of points with ascending coordinates, without those in between (Andrew's chain)."""
    corners: list[tuple[float, float]] = []
    for point in zip(loyal.tolist(), leavers.tolist(), strict=True):
        while len(corners) > 1 and _rises(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    kept = [corners[0]] + [after for before, after in pairwise(corners) if after != before]
    return RocHull(*np.array(kept).T)


def _rises(first: tuple[float, float], second: tuple[float, float], third: tuple[float, float]) -> bool:
    """Whether the way over the second point turns upwards, or runs straight on."""
    return (second[0] - first[0]) * (third[1] - first[1]) >= (second[1] - first[1]) * (third[0] - first[0])
