"""The metrics by which versions of a model are compared: their titles, and their values in a card."""

from typing import NamedTuple

from churn_api.registry.card import Card


class Metric(NamedTuple):
    """A metric of probabilities."""

    title: str
    higher_is_better: bool


METRICS = {
    "roc_auc": Metric("ROC-AUC", higher_is_better=True),
    "pr_auc": Metric("PR-AUC", higher_is_better=True),
    "brier": Metric("Brier", higher_is_better=False),
    "log_loss": Metric("log loss", higher_is_better=False),
    "ece": Metric("ECE", higher_is_better=False),
    "empc": Metric("EMPC", higher_is_better=True),
}

LATER = frozenset({"empc"})
"""Metrics that bundles of earlier versions lack."""


def headline_metrics(card: Card) -> dict[str, float]:
    """The metrics of the packaged pipeline by name: of the golden table or the holdout, else means over the folds.

    Empty where nothing was measured.
    """
    holdout = (card.metrics.get("holdout") or {}).get("metrics")
    measured = card.metrics.get("golden_table") or holdout or card.metrics.get("calibration") or {}
    means = {name: value["mean"] if isinstance(value, dict) else value for name, value in measured.items()}
    return {name: float(means[name]) for name in METRICS if name in means}
