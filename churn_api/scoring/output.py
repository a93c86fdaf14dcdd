"""From a probability to a decision: the threshold, and the band of risk."""

from collections.abc import Sequence

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

    def at(self, threshold: float | None) -> float:
        """Where churn begins: the threshold that was asked for, or the policy's own."""
        return self.threshold if threshold is None else threshold

    def predictions(self, probabilities: Sequence[float], threshold: float | None = None) -> list[int]:
        """1 where churn is predicted, else 0: at the policy's threshold, or at the one given."""
        limit = self.at(threshold)
        return [1 if probability >= limit else 0 for probability in probabilities]

    def bands(self, probabilities: Sequence[float]) -> list[str]:
        """The band of each probability: `low`, `medium` or `high`."""
        low, medium, high = BANDS
        medium_from, high_from = self.medium_from, self.high_from
        return [high if p >= high_from else medium if p >= medium_from else low for p in probabilities]

    def band_codes(self, probabilities: NDArray[np.float64]) -> NDArray[np.intp]:
        """The band of each probability as its place in BANDS, shape (n,)."""
        return np.digitize(probabilities, [self.medium_from, self.high_from])


def policy_around(threshold: float) -> Policy:
    """The policy of a threshold: medium from half of it, high from half way between it and certainty."""
    return Policy(threshold=threshold, medium_from=threshold / 2, high_from=(1 + threshold) / 2)
