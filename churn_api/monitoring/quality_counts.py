"""Predictions by the bin of their probability, of leavers and of loyal customers: all figures are sums of them."""

import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 1000
"""Of equal width, over probabilities from 0 to 1: areas under curves are exact to a thousandth."""
CENTRES = (np.arange(BINS) + 0.5) / BINS

_STORED = np.dtype("<u4")

Counts = NDArray[np.int64]


class QualityCounts(NamedTuple):
    """Mature predictions, of which each customer's first counts."""

    leavers: Counts
    """Shape (BINS,)."""
    loyal: Counts
    """Shape (BINS,)."""
    true_positives: int
    """Leavers for whom churn was predicted, with the threshold of each answer."""
    false_positives: int

    @classmethod
    def of(
        cls, probabilities: NDArray[np.float64], left: NDArray[np.bool_], positive: NDArray[np.bool_]
    ) -> "QualityCounts":
        """Count n predictions: all arrays have shape (n,)."""
        bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
        return cls(
            np.bincount(bins[left], minlength=BINS),
            np.bincount(bins[~left], minlength=BINS),
            int((left & positive).sum()),
            int((~left & positive).sum()),
        )

    @classmethod
    def none(cls) -> "QualityCounts":
        """No predictions."""
        return cls(np.zeros(BINS, np.int64), np.zeros(BINS, np.int64), 0, 0)

    def plus(self, other: "QualityCounts") -> "QualityCounts":
        """The predictions of both."""
        return QualityCounts(
            self.leavers + other.leavers,
            self.loyal + other.loyal,
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
        )


def encode(counts: Counts) -> bytes:
    """A histogram as the database keeps it."""
    return zlib.compress(counts.astype(_STORED).tobytes())


def decode(stored: bytes) -> Counts:
    """A histogram that `encode` wrote."""
    return np.frombuffer(zlib.decompress(stored), _STORED).astype(np.int64)
