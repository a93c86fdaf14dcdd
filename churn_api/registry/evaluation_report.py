"""The evaluation report of a bundle: what training measured, as the points of its charts.

It is a file of its own, whose digest the card holds: a worker that serves the model does not keep it in memory.
"""

import math
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from churn_api.registry.card import Card
from churn_api.registry.card_kinds import AnyCard
from churn_api.registry.feature_bin import FeatureBin
from churn_api.registry.headline_metrics import LATER, METRICS
from churn_api.registry.json_artefact import read_json_artefact
from churn_api.scoring.profit import PROFIT_BINS, OutcomeHistogram

REPORT_FILE = "report.json"
_GAINS = 101
_MOST = 100
"""Features, and points of a curve."""
_MOST_BINS = 20
"""Of a feature; training makes at most twelve. A picture of all that may be takes a worker two seconds."""
Count = int | float
"""A number of customers; where they have sample weights, the sum of these, whose mean is 1."""


class Spread(msgspec.Struct, frozen=True):
    """A metric's mean and standard deviation over the folds; without folds its value alone."""

    mean: float
    std: float | None = None


class RocCurve(msgspec.Struct, frozen=True, kw_only=True):
    """At most 100 points of the ROC curve, from (0, 0) to (1, 1)."""

    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]


class PrecisionRecallCurve(msgspec.Struct, frozen=True, kw_only=True):
    """At most 100 points of the precision-recall curve, recall ascending."""

    recall: tuple[float, ...]
    precision: tuple[float, ...]


class CalibrationBin(msgspec.Struct, frozen=True, kw_only=True):
    """Customers with similar probabilities: their mean probability, and the share that churned."""

    predicted: float
    observed: float
    rows: int


class OperatingPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The confusion matrix at one threshold: counts of customers."""

    threshold: float
    true_positives: Count
    false_positives: Count
    false_negatives: Count
    true_negatives: Count


class OutcomeCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Customers by their probability, in PROFIT_BINS bins of equal width: those who churned, and the others."""

    leavers: tuple[Count, ...]
    loyal: tuple[Count, ...]

    def __post_init__(self) -> None:
        """Raise ValueError where the number of bins is another one, or a count is no number of customers."""
        if not len(self.leavers) == len(self.loyal) == PROFIT_BINS or not all(
            0 <= count < math.inf for count in (*self.leavers, *self.loyal)
        ):
            raise ValueError(f"customers by probability are counts in {PROFIT_BINS} bins")

    @property
    def histogram(self) -> OutcomeHistogram:
        """The same as arrays."""
        return OutcomeHistogram(np.array(self.leavers, np.float64), np.array(self.loyal, np.float64))


class EffectBin(FeatureBin, frozen=True, kw_only=True, omit_defaults=True):
    """Customers with similar values of a feature: their mean probability, and the share that churned."""

    rows: int
    predicted: float
    observed: float


class Effect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the churn rate differs along one feature."""

    feature: str
    reference: str | None = None
    """For a date: the day from which its ranges, in days, count back."""
    bins: tuple[EffectBin, ...]


class EvaluationMethod(msgspec.Struct, frozen=True, kw_only=True):
    """How training evaluated the model and chose its threshold."""

    time: str | None = None
    """The column whose later rows each fold is evaluated on."""
    group: str | None = None
    """The column whose rows of one value are in one fold."""
    sample_weight: str | None = None
    """The column of how much each row counts."""
    threshold_by: Literal["f1", "calls"] = "f1"
    """The threshold has the largest F1 out of fold, or flags a number of rows."""
    calls: int | None = None
    """That number, of the rows of the training table."""


class EvaluationReport(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `report.json`. Every figure is of rows that the evaluated pipeline was not fitted on."""

    format: Literal[1] = 1
    basis: Literal["cross-validation", "holdout", "golden table"]
    method: EvaluationMethod | None = None
    """None for pipelines fitted elsewhere, and in reports of earlier versions."""
    rows: int
    positives: Count
    """Customers who churned."""
    threshold: float
    metrics: dict[str, Spread]
    roc: RocCurve
    precision_recall: PrecisionRecallCurve
    calibration: tuple[CalibrationBin, ...]
    gains: tuple[float, ...]
    """The share of churners among the customers with the highest probabilities: 101 values, for 0 to 100 per cent."""
    operating_points: tuple[OperatingPoint, ...]
    """At twenty thresholds, the model's own among them."""
    importance: dict[str, float]
    effects: tuple[Effect, ...]
    outcomes: OutcomeCounts | None = None
    """None in reports of earlier versions."""

    def __post_init__(self) -> None:
        """Raise ValueError for what no report has: what draws one relies on it."""
        complete = (
            0 < self.positives < self.rows
            and len(self.gains) == _GAINS
            and self.calibration
            and any(point.threshold == self.threshold for point in self.operating_points)
            and METRICS.keys() - LATER <= self.metrics.keys()
            and len(self.roc.true_positive_rate) == len(self.roc.false_positive_rate)
            and len(self.precision_recall.recall) == len(self.precision_recall.precision)
        )
        lists = (
            *(self.effects, self.importance, self.operating_points, self.calibration),
            *(self.roc.true_positive_rate, self.precision_recall.recall),
        )
        too_many = any(len(one) > _MOST for one in lists) or any(len(one.bins) > _MOST_BINS for one in self.effects)
        if too_many or not complete:
            raise ValueError("it lacks figures, or has too many")


def report_document(card: Card, report: EvaluationReport) -> dict[str, Any]:
    """The report as one JSON object, with what the card says about model and table."""
    about: dict[str, Any] = {
        "model_name": card.name,
        "model_version": card.version,
        "created_at": card.created_at,
        "remarks": msgspec.to_builtins(card.training.remarks),
    }
    about.update(msgspec.to_builtins(report))
    # Of use to a computer alone; `/profit` has what follows.
    del about["outcomes"]
    return about


def read_report(folder: Path, card: AnyCard) -> EvaluationReport | None:
    """The report of a bundle, checked by its digest; None where the bundle has none. Raises BundleError."""
    return read_json_artefact(folder, card, REPORT_FILE, EvaluationReport, "a report")
