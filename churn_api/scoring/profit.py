"""What calling would have gained on evaluated customers, from a histogram of their probabilities by outcome."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from churn_api.scoring.costs import Costs, Doubles

PROFIT_BINS = 1000
"""Of equal width, over probabilities from 0 to 1."""
SUCCESS_BAND = (0.15, 0.48)
"""The share of leavers that an offer keeps, where nothing was measured: 5 and 95 per cent of a Beta(6, 14), which
Verbraken, Verbeke and Baesens (2013) take it to follow."""


class OutcomeHistogram(NamedTuple):
    """Evaluated customers by their probability: each of shape (PROFIT_BINS,), counts or sums of sample weights."""

    leavers: Doubles
    loyal: Doubles

    @classmethod
    def of(cls, probabilities: Doubles, left: Doubles, weights: Doubles | None = None) -> Self:
        """The histogram of n customers. `left` is 0 or 1; all arrays have shape (n,)."""
        bins = profit_bins(probabilities)
        counts = np.ones(len(bins)) if weights is None else weights
        leavers = np.bincount(bins, left * counts, PROFIT_BINS).astype(np.float64)
        loyal = np.bincount(bins, (1 - left) * counts, PROFIT_BINS).astype(np.float64)
        return cls(leavers, loyal)

    def called(self, threshold: float) -> tuple[float, float]:
        """Leavers and loyal customers from a threshold on. Of the bin that it lies in, the share above it."""
        share = np.clip(np.arange(1, PROFIT_BINS + 1) - threshold * PROFIT_BINS, 0, 1)
        return float(self.leavers @ share), float(self.loyal @ share)

    @property
    def customers(self) -> float:
        """The number of customers."""
        return float(self.leavers.sum() + self.loyal.sum())

    @property
    def expected_leavers(self) -> float:
        """How many would leave if each probability were right: about the sum of the probabilities."""
        return float((self.leavers + self.loyal) @ ((np.arange(PROFIT_BINS) + 0.5) / PROFIT_BINS))


class ProfitCurve(NamedTuple):
    """What calling everyone from a threshold on would have gained: arrays of shape (k,), thresholds ascending."""

    thresholds: Doubles
    profits: Doubles

    @property
    def best(self) -> tuple[float, float]:
        """The threshold with the largest profit, and that profit; of equals the highest, which calls fewest."""
        last = len(self.profits) - 1 - int(np.argmax(self.profits[::-1]))
        return float(self.thresholds[last]), float(self.profits[last])


def profit_bins(probabilities: Doubles) -> NDArray[np.intp]:
    """The bin of each of n probabilities, shape (n,)."""
    return np.minimum((probabilities * PROFIT_BINS).astype(np.intp), PROFIT_BINS - 1)


def profit(costs: Costs, worth: float, leavers: float, loyal: float) -> float:
    """What calling so many leavers and loyal customers, each worth `worth`, gains."""
    return float(leavers * costs.gain(1.0, worth) + loyal * costs.gain(0.0, worth))


def profit_curve(costs: Costs, worth: float, histogram: OutcomeHistogram) -> ProfitCurve:
    """The profit from the lower edge of each bin on, and of calling no one (threshold 1)."""
    gained = histogram.leavers * costs.gain(1.0, worth) + histogram.loyal * costs.gain(0.0, worth)
    profits = np.append(np.cumsum(gained[::-1])[::-1], 0.0)
    return ProfitCurve(np.arange(PROFIT_BINS + 1) / PROFIT_BINS, profits)
