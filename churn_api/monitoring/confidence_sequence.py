"""Confidence sequences: intervals that hold at all times at once, so that one may look every day and stop at will.

The interval is an asymptotic confidence sequence with Robbins' normal mixture: Waudby-Smith, Arbour, Sinha, Kennedy and
Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52 (2024), theorem
2.2 for a mean, and section 3 for the difference of two groups of a randomised experiment. A usual 95 % interval that is
looked at a hundred times is wrong in a third of all experiments.
"""

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05
"""How often a difference is found where there is none, however often one looks."""
MIN_OUTCOMES = 200
"""With fewer the normal approximation is not good enough."""
MIN_GROUP = 100
"""Of each of two groups."""
TIGHTEST_AT = 1000
"""The number of outcomes at which the interval is tightest, in comparison to one that is looked at once."""
_LOG = -2 * math.log(ALPHA)
_RHO_SQUARED = (_LOG + math.log(_LOG) + 1) / TIGHTEST_AT


class Sums(NamedTuple):
    """What of n values is needed. Sums of different values can be added."""

    size: int
    total: float
    squares: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Self:
        """Those of n values, shape (n,)."""
        return cls(len(values), float(values.sum()), float((values**2).sum()))

    def plus(self, other: Self) -> Self:
        """Those of both."""
        return type(self)(self.size + other.size, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """Of at least one value."""
        return self.total / self.size

    @property
    def variance(self) -> float:
        """Of at least one value; without Bessel's correction, as in the source."""
        return max(0.0, self.squares / self.size - self.mean**2)


NOTHING = Sums(0, 0.0, 0.0)


class Interval(NamedTuple):
    """A difference between two versions, and between what it lies with a confidence of 1 - ALPHA at all times."""

    difference: float
    low: float
    high: float
    outcomes: int

    @property
    def decided(self) -> bool:
        """Whether there is a difference."""
        return self.low > 0 or self.high < 0


def paired_interval(differences: Sums) -> Interval | None:
    """Of the mean of n differences, each of one customer; None where n is too small."""
    if differences.size < MIN_OUTCOMES:
        return None
    return _around(differences.mean, differences.variance, differences.size)


def group_interval(first: Sums, second: Sums) -> Interval | None:
    """Of the mean of a first group minus that of a second; None where one of them is too small.

    Each of t customers counts with the estimate that it would have had in both groups, its own value weighted by the
    share of its group; the variance of these estimates is t (v1 / n1 + v2 / n2).
    """
    if min(first.size, second.size) < MIN_GROUP or first.size + second.size < MIN_OUTCOMES:
        return None
    outcomes = first.size + second.size
    variance = outcomes * (first.variance / first.size + second.variance / second.size)
    return _around(first.mean - second.mean, variance, outcomes)


def _around(mean: float, variance: float, count: int) -> Interval:
    mixed = count * _RHO_SQUARED + 1
    width = math.sqrt(variance * 2 * mixed / (count**2 * _RHO_SQUARED) * math.log(math.sqrt(mixed) / ALPHA))
    return Interval(mean, mean - width, mean + width, count)
