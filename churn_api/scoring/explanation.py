"""Contributions: how much each feature of a record moves its prediction, from the mean prediction in training."""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Scale = Literal["log_odds", "probability"]
"""What contributions add up to: the log-odds of the probability, or the probability itself."""


Method = Literal["exact", "sampled"]
"""How contributions are computed: by their definition, or as an estimate."""


class Explanation(NamedTuple):
    """The predictions of n records, and how they come about: base + the sum of a row's contributions is its score."""

    probabilities: NDArray[np.float64]
    """Shape (n,): the same doubles as without contributions."""
    contributions: NDArray[np.float64]
    """Shape (n, features), in the signature's order, on `scale`."""
    base: float
    """The mean score of the training rows."""
    scale: Scale

    @property
    def scores(self) -> NDArray[np.float64]:
        """On `scale`, shape (n,)."""
        return np.asarray(self.base + self.contributions.sum(axis=1))

    def probabilities_of_scores(self) -> NDArray[np.float64]:
        """The probabilities that the scores stand for, shape (n,); equal to `probabilities` but for rounding."""
        return to_probabilities(self.scores, self.scale)


def to_probability(score: float, scale: Scale) -> float:
    """The same for one score."""
    if scale == "probability":
        return score
    # The exponential of a positive number may be too large for a double.
    return 1 / (1 + math.exp(-score)) if score > 0 else (power := math.exp(score)) / (1 + power)


def to_probabilities(scores: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """The probabilities that scores on a scale stand for, in the same shape."""
    if scale == "probability":
        return scores
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-scores)))
