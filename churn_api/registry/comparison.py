"""Compares the metrics of two versions of a model."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from churn_api.registry.headline_metrics import METRICS

DECISIVE = ("roc_auc", "log_loss")
"""By these a version is worse: how well it ranks customers, and how good its probabilities are."""
MARGIN = 0.01
"""Smaller differences come about from one table to the next."""


class MetricChange(NamedTuple):
    """One metric of two versions."""

    name: str
    first: float
    second: float
    result: Literal["better", "alike", "worse"]
    """Of the second version."""

    @property
    def difference(self) -> float:
        """From the first to the second."""
        return self.second - self.first


def compare(first: Mapping[str, float], second: Mapping[str, float], margin: float = MARGIN) -> list[MetricChange]:
    """Every metric that both have; values that differ by at most `margin` are alike."""
    return [
        MetricChange(name, first[name], second[name], _result(name, second[name] - first[name], margin))
        for name in METRICS
        if name in first and name in second
    ]


def worse(changes: list[MetricChange]) -> list[MetricChange]:
    """The decisive metrics in which the second version is worse."""
    return [change for change in changes if change.name in DECISIVE and change.result == "worse"]


def _result(name: str, difference: float, margin: float) -> Literal["better", "alike", "worse"]:
    gain = difference if METRICS[name].higher_is_better else -difference
    if abs(gain) <= margin:
        return "alike"
    return "better" if gain > 0 else "worse"
