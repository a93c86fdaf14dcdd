"""From a probability to a decision: the threshold, and the band of risk."""

from bisect import bisect_right

import msgspec
import numpy as np
from numpy.typing import NDArray

BANDS = ("low", "medium", "high")


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a model's decisions change: all three are probabilities, and each bound belongs to the side above it."""

    threshold: float
    medium_from: float
    high_from: float

    def __post_init__(self) -> None:
        if not 0 <= self.medium_from <= self.high_from <= 1 or not 0 <= self.threshold <= 1:
            raise ValueError("a policy's bounds are probabilities, medium_from at most high_from")

    def predictions(self, probabilities: NDArray[np.float64], threshold: float | None = None) -> list[int]:
        """1 where churn is predicted, else 0: at the policy's threshold, or at the one given."""
        limit = self.threshold if threshold is None else threshold
        return [int(probability >= limit) for probability in probabilities.tolist()]

    def bands(self, probabilities: NDArray[np.float64]) -> list[str]:
        """The band of each probability: `low`, `medium` or `high`."""
        bounds = (self.medium_from, self.high_from)
        return [BANDS[bisect_right(bounds, probability)] for probability in probabilities.tolist()]


def policy_around(threshold: float) -> Policy:
    """The policy of a threshold: medium from half of it, high from half way between it and certainty."""
    return Policy(threshold=threshold, medium_from=threshold / 2, high_from=(1 + threshold) / 2)
