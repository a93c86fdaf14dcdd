"""The quality to be expected if the relations that the model learned still hold: no outcome is needed.

A calibrated probability says how likely its own prediction is right (NannyML's confidence-based performance
estimation). It sees other customers, but not customers who behave in another way: after such a change it is too good.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_DEVIATIONS = 3
"""Half the width of a band, in standard deviations."""

Doubles = NDArray[np.float64]


class ExpectedQuality(NamedTuple):
    """What n probabilities let one expect."""

    roc_auc: float | None
    """None where all or none would leave."""
    band: tuple[float, float] | None
    """Between what chance alone keeps it in a sample of this size."""
    brier: float
    rate: float
    """The share that is expected to leave."""


def expected_quality(counts: Doubles, sums: Doubles) -> ExpectedQuality:
    """From the number and the sum of probabilities by ascending bin, both of shape (bins,); there is at least one."""
    rows, leaving = counts.sum(), sums.sum()
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    brier, rate = float((counts * means * (1 - means)).sum() / rows), float(leaving / rows)
    if not 0 < leaving < rows:
        return ExpectedQuality(None, None, brier, rate)
    auc, deviation = roc_auc(sums, counts - sums)
    band = (max(0.0, auc - _DEVIATIONS * deviation), min(1.0, auc + _DEVIATIONS * deviation))
    return ExpectedQuality(auc, band, brier, rate)


def roc_auc(positives: Doubles, negatives: Doubles) -> tuple[float, float]:
    """The area under the ROC curve and its standard deviation (DeLong 1988), of two histograms over ascending bins.

    Within a bin every pair counts half. Both histograms have shape (bins,), and a positive sum.
    """
    left, stayed = positives.sum(), negatives.sum()
    # For a customer in each bin: the share of the other kind that is below.
    loyal_below = (np.cumsum(negatives) - negatives / 2) / stayed
    leavers_above = 1 - (np.cumsum(positives) - positives / 2) / left
    auc = float((positives * loyal_below).sum() / left)
    of_leavers = (positives * (loyal_below - auc) ** 2).sum() / left
    of_loyal = (negatives * (leavers_above - auc) ** 2).sum() / stayed
    return auc, float(np.sqrt(of_leavers / left + of_loyal / stayed))
