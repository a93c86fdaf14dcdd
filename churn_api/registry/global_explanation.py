"""What moves a model's predictions in general: the importance of each feature, and its mean contribution by value.

It is a file of the bundle, whose digest the card holds: a worker that serves the model does not keep it in memory.
"""

from pathlib import Path
from typing import Literal

import msgspec

from churn_api.contract.size_limits import MAX_COLUMNS
from churn_api.registry.card_kinds import AnyCard
from churn_api.registry.feature_bin import FeatureBin
from churn_api.registry.json_artefact import read_json_artefact
from churn_api.scoring.explanation import Method, Scale

EXPLANATION_FILE = "explanation.json"
_MOST_BINS = 20
"""Of one feature; training writes at most 12."""


class ContributionBin(FeatureBin, frozen=True, kw_only=True, omit_defaults=True):
    """Training rows with similar values of a feature: their share, and the mean of its contributions."""

    share: float
    contribution: float


class FeatureExplanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one feature moves predictions."""

    feature: str
    importance: float
    """The mean size of its contributions over the training rows."""
    reference: str | None = None
    """For a date: the day from which its ranges, in days, count back."""
    bins: tuple[ContributionBin, ...] = ()


class GlobalExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `explanation.json`."""

    format: Literal[1] = 1
    method: Method
    scale: Scale
    base: float
    background_rows: int
    features: tuple[FeatureExplanation, ...]
    """The most important first."""

    def __post_init__(self) -> None:
        """Raise ValueError for more than any has: what draws one relies on it."""
        if len(self.features) > MAX_COLUMNS or any(len(one.bins) > _MOST_BINS for one in self.features):
            raise ValueError("it has too many features or bins")


def read_explanation(folder: Path, card: AnyCard) -> GlobalExplanation | None:
    """The explanation in a bundle, checked by its digest; None where the bundle has none. Raises BundleError."""
    return read_json_artefact(folder, card, EXPLANATION_FILE, GlobalExplanation, "an explanation")
