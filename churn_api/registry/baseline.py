"""Baseline: how the training rows spread over the bins of each feature, which later predictions are compared with."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from churn_api.contract.size_limits import MAX_COLUMNS

SCORE_BINS = 50
"""Of equal width, over probabilities from 0 to 1."""
MAX_BINS = 20
"""Of one feature; training writes at most 13. Every process keeps a number for each bin."""


class FeatureBins(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The bins of one feature.

    A number has one up to each edge, one above the last, and one for missing values. A text has one for each of
    `choices`, then one each for other known texts, for texts that training did not see, and for missing ones.
    """

    feature: str
    edges: tuple[float, ...] | None = None
    choices: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        if (self.edges is None) == (self.choices is None):
            raise ValueError("a feature of the baseline has edges or choices")
        if self.bins > MAX_BINS:
            raise ValueError(f"a feature of the baseline has at most {MAX_BINS} bins")
        if not all(lower < upper for lower, upper in pairwise(self.edges or ())):
            raise ValueError("the edges of a feature of the baseline are in ascending order")

    @property
    def bins(self) -> int:
        """The number of bins."""
        return len(self.edges) + 2 if self.edges is not None else len(self.choices or ()) + 3


class FeatureBaseline(FeatureBins, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The training rows in each bin of one feature."""

    counts: tuple[int, ...]
    critical: float
    """The chi-square statistic that rows like those of training exceed in one of a hundred windows of all features."""

    def __post_init__(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        super().__post_init__()
        if len(self.counts) != self.bins:
            raise ValueError("a feature of the baseline has a count for each bin")
        _check_counts(self.counts)


class ScoreBaseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Probabilities by bin: how many, and their sum."""

    counts: tuple[int, ...]
    sums: tuple[float, ...]
    critical: float

    def __post_init__(self) -> None:
        """Raise ValueError where the number of bins is another one, or nothing is in them."""
        if not len(self.counts) == len(self.sums) == SCORE_BINS:
            raise ValueError(f"the scores of a baseline have {SCORE_BINS} bins")
        _check_counts(self.counts)


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model's predictions are compared with."""

    rows: int
    features: tuple[FeatureBaseline, ...]
    scores: ScoreBaseline
    """Of rows that the model was not fitted on."""
    fitted_scores: ScoreBaseline | None = None
    """Of the rows that it was fitted on, which are more extreme; None where there are none."""

    def __post_init__(self) -> None:
        """Raise ValueError where there are too many features."""
        if len(self.features) > MAX_COLUMNS:
            raise ValueError(f"a baseline has at most {MAX_COLUMNS} features")


def _check_counts(counts: Sequence[int]) -> None:
    if min(counts) < 0 or not any(counts):
        raise ValueError("the bins of a baseline have rows")
