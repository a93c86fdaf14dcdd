"""What is counted of an experiment while it runs: how often each version answered, and how both compare.

Counts of different processes can be added.
"""

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from churn_api.registry.baseline import SCORE_BINS
from churn_api.registry.bin_counts import score_bins

_SHORTEST = 1e-6
"""Seconds. Durations from here on are counted in bins that are a fifth longer each, up to 16 s."""
_BINS_PER_DOUBLING = 4
DURATION_BINS = 24 * _BINS_PER_DOUBLING

LIVE, CHALLENGER, ERRORS, TOO_SLOW, PAIRS, DIFFERENCES = range(6)
"""Positions of: records answered by each version, failures of the challenger, records that both have scored, and the
sum of the absolute differences of their probabilities."""
LIVE_SCORES = DIFFERENCES + 1
CHALLENGER_SCORES = LIVE_SCORES + SCORE_BINS
LIVE_SECONDS = CHALLENGER_SCORES + SCORE_BINS
CHALLENGER_SECONDS = LIVE_SECONDS + DURATION_BINS
SIZE = CHALLENGER_SECONDS + DURATION_BINS


class ExperimentCounts(NamedTuple):
    """The counts of all processes."""

    values: NDArray[np.float64]
    """Shape (SIZE,)."""

    @classmethod
    def none(cls) -> Self:
        """Nothing was counted."""
        return cls(np.zeros(SIZE))

    @property
    def answered(self) -> tuple[int, int]:
        """Records answered by the live version, and by the challenger or its shadow."""
        return int(self.values[LIVE]), int(self.values[CHALLENGER])

    @property
    def errors(self) -> int:
        """How often the challenger raised an exception."""
        return int(self.values[ERRORS])

    @property
    def too_slow(self) -> int:
        """How often a shadow had fallen behind, and skipped what a request had."""
        return int(self.values[TOO_SLOW])

    @property
    def pairs(self) -> int:
        """Records that both have scored."""
        return int(self.values[PAIRS])

    @property
    def difference(self) -> float | None:
        """The mean absolute difference of their probabilities; None without any."""
        return float(self.values[DIFFERENCES] / self.values[PAIRS]) if self.pairs else None

    @property
    def scores(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The probabilities of these records by bin, of each version; both of shape (SCORE_BINS,)."""
        return self.values[LIVE_SCORES:CHALLENGER_SCORES], self.values[CHALLENGER_SCORES:LIVE_SECONDS]

    @property
    def runs(self) -> int:
        """How often both have scored the same records."""
        return int(self.values[LIVE_SECONDS:CHALLENGER_SECONDS].sum())

    @property
    def p95_seconds(self) -> tuple[float | None, float | None]:
        """The 95th percentile of the time that each version takes for the same records; None without any."""
        return _p95(self.values[LIVE_SECONDS:CHALLENGER_SECONDS]), _p95(self.values[CHALLENGER_SECONDS:])


def duration_bin(seconds: float) -> int:
    """The bin of a duration."""
    position = int(_BINS_PER_DOUBLING * math.log2(max(seconds, _SHORTEST) / _SHORTEST))
    return min(position, DURATION_BINS - 1)


def add_scores(counts: list[float], start: int, probabilities: NDArray[np.float64]) -> None:
    """Count n probabilities by bin, from a position on."""
    if len(probabilities) == 1:
        # For a single number plain Python is faster than NumPy.
        counts[start + min(int(probabilities[0] * SCORE_BINS), SCORE_BINS - 1)] += 1
        return
    for position, count in enumerate(np.bincount(score_bins(probabilities), minlength=SCORE_BINS).tolist(), start):
        counts[position] += count


def _p95(durations: NDArray[np.float64]) -> float | None:
    """The upper end of the bin of the percentile."""
    if not durations.any():
        return None
    position = int(np.searchsorted(np.cumsum(durations), 0.95 * durations.sum()))
    return float(_SHORTEST * 2 ** ((position + 1) / _BINS_PER_DOUBLING))
