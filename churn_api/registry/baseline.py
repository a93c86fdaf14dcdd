"""Baseline: how the training rows spread over the bins of each feature, which later predictions are compared with."""

import msgspec

SCORE_BINS = 50
"""Of equal width, over probabilities from 0 to 1."""


class FeatureBaseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The bins of one feature, and the training rows in each.

    A number has one bin up to each edge, one above the last, and one for missing values. A text has one for each of
    `choices`, then one each for other known texts, for texts that training did not see, and for missing ones.
    """

    feature: str
    edges: tuple[float, ...] | None = None
    choices: tuple[str, ...] | None = None
    counts: tuple[int, ...]
    critical: float
    """The chi-square statistic that rows like those of training exceed in one of a hundred windows of all features."""

    def __post_init__(self) -> None:
        """Raise ValueError where the parts do not fit together."""
        if (self.edges is None) == (self.choices is None) or len(self.counts) != self.bins:
            raise ValueError("a feature of the baseline has edges or choices, and a count for each bin")

    @property
    def bins(self) -> int:
        """The number of bins."""
        return len(self.edges) + 2 if self.edges is not None else len(self.choices or ()) + 3


class ScoreBaseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Probabilities of rows that the model was not fitted on, by bin: how many, and their sum."""

    counts: tuple[int, ...]
    sums: tuple[float, ...]
    critical: float

    def __post_init__(self) -> None:
        """Raise ValueError where the number of bins is another one."""
        if not len(self.counts) == len(self.sums) == SCORE_BINS:
            raise ValueError(f"the scores of a baseline have {SCORE_BINS} bins")


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model's predictions are compared with."""

    rows: int
    features: tuple[FeatureBaseline, ...]
    scores: ScoreBaseline
