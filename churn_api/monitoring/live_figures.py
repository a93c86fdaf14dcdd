"""How good predictions were, from histograms of their probabilities, each figure with its interval."""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.monitoring.expected_quality import ExpectedQuality, expected_quality, roc_auc
from churn_api.monitoring.quality_counts import CENTRES, QualityCounts

MIN_EACH = 30
"""Leavers, and loyal customers: with fewer, chance says more than the model."""
Z = 1.959963984540054
"""The standard normal deviate of a 95 % interval."""
GROUPS = 10
"""Of equal count, for calibration."""

Doubles = NDArray[np.float64]


class Estimate(NamedTuple):
    """A figure, and its 95 % interval."""

    value: float
    low: float
    high: float


class Calibrated(NamedTuple):
    """Customers with similar probabilities."""

    predicted: float
    """Their mean probability."""
    observed: Estimate
    """The share that left."""
    predictions: int


class Figures(NamedTuple):
    """What at least 30 leavers and 30 loyal customers say of the model."""

    roc_auc: Estimate
    deviation: float
    """Standard deviation of the area."""
    brier: Estimate
    ece: float
    """Mean gap between predicted and observed rate over ten groups of equal count, as training measures it."""
    calibration: Estimate
    """The share that left less the mean probability: 0 where probabilities are right on average."""
    precision: Estimate | None
    """Of those predicted to leave, the share that left; None where none was."""
    recall: Estimate
    """Of leavers, the share that was predicted to leave."""
    reliability: tuple[Calibrated, ...]
    expected: ExpectedQuality
    """What the same probabilities let one expect, if each is right."""


class LiveQuality(NamedTuple):
    """The quality of a number of predictions whose outcomes are known."""

    predictions: int
    leavers: int
    rate: Estimate | None
    """The share that left; None without predictions."""
    mean_probability: float | None
    figures: Figures | None
    """None where there are too few leavers or loyal customers."""


def live_quality(counts: QualityCounts) -> LiveQuality:
    """The quality that histograms by outcome show."""
    everyone = (counts.leavers + counts.loyal).astype(np.float64)
    predictions, leavers = int(everyone.sum()), int(counts.leavers.sum())
    if not predictions:
        return LiveQuality(0, 0, None, None, None)
    enough = min(leavers, predictions - leavers) >= MIN_EACH
    mean = float(everyone @ CENTRES / predictions)
    return LiveQuality(
        predictions, leavers, wilson(leavers, predictions), mean, _figures(counts, everyone) if enough else None
    )


def wilson(hits: int, of: int) -> Estimate:
    """A share with the interval of Wilson (1927), which holds near 0 and 1 too."""
    share, squared = hits / of, Z * Z
    centre = (share + squared / (2 * of)) / (1 + squared / of)
    half = Z * sqrt(share * (1 - share) / of + squared / (4 * of * of)) / (1 + squared / of)
    # At 0 and 1 a bound is the share itself, but for rounding.
    return Estimate(share, min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)))


def within(value: float, deviation: float, least: float = 0.0, most: float = 1.0) -> Estimate:
    """An estimate that is normally distributed."""
    return Estimate(value, max(least, value - Z * deviation), min(most, value + Z * deviation))


def _figures(counts: QualityCounts, everyone: Doubles) -> Figures:
    leavers, loyal = counts.leavers.astype(np.float64), counts.loyal.astype(np.float64)
    auc, deviation = roc_auc(leavers, loyal)
    reliability = _reliability(leavers, everyone)
    predictions, positives = everyone.sum(), counts.true_positives + counts.false_positives
    return Figures(
        roc_auc=within(auc, deviation),
        deviation=deviation,
        brier=within(*_mean(leavers, (1 - CENTRES) ** 2, loyal, CENTRES**2)),
        ece=sum(abs(one.predicted - one.observed.value) * one.predictions for one in reliability) / float(predictions),
        calibration=within(*_mean(leavers, 1 - CENTRES, loyal, -CENTRES), least=-1.0),
        precision=wilson(counts.true_positives, positives) if positives else None,
        recall=wilson(counts.true_positives, int(leavers.sum())),
        reliability=reliability,
        expected=expected_quality(everyone, everyone * CENTRES),
    )


def _mean(leavers: Doubles, of_leavers: Doubles, loyal: Doubles, of_loyal: Doubles) -> tuple[float, float]:
    """The mean over all predictions of a value by bin and outcome, and the mean's standard deviation."""
    total = leavers.sum() + loyal.sum()
    mean = (leavers @ of_leavers + loyal @ of_loyal) / total
    squares = (leavers @ (of_leavers - mean) ** 2 + loyal @ (of_loyal - mean) ** 2) / total
    return float(mean), float(np.sqrt(squares / total))


def _reliability(leavers: Doubles, everyone: Doubles) -> tuple[Calibrated, ...]:
    """Ten groups of about equal count, from the lowest probabilities; a bin is in one group."""
    middles = np.cumsum(everyone) - everyone / 2
    groups = np.minimum((middles / everyone.sum() * GROUPS).astype(np.int64), GROUPS - 1)
    counted, left, sums = (
        np.bincount(groups, weights, minlength=GROUPS) for weights in (everyone, leavers, everyone * CENTRES)
    )
    return tuple(
        Calibrated(
            float(sums[group] / counted[group]), wilson(int(left[group]), int(counted[group])), int(counted[group])
        )
        for group in np.flatnonzero(counted)
    )
