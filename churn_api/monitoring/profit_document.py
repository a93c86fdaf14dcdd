"""What calling would gain with a model's costs, as JSON: measured on customers that it was not fitted on."""

from typing import Any

from churn_api.contract.signature import Signature
from churn_api.registry.card import Card
from churn_api.registry.decision import CostsInForce
from churn_api.registry.evaluation_report import EvaluationReport
from churn_api.scoring.costs import Costs
from churn_api.scoring.profit import PROFIT_BINS, SUCCESS_BAND, OutcomeHistogram, profit, profit_curve

HALF = 0.5
_STEP = PROFIT_BINS // 100


class NoProfit(Exception):
    """No profit follows; the text says why."""


def profit_document(card: Card, report: EvaluationReport | None, in_force: CostsInForce) -> dict[str, Any]:
    """The curve over thresholds, and the profit at those of the costs, of the card, of one half, and at the best one.

    Raises NoProfit where the bundle does not say how its evaluated customers spread.
    """
    if report is None or report.outcomes is None:
        raise NoProfit("the version was packaged without the outcomes of its evaluation: train it again")
    costs, histogram = in_force.costs, report.outcomes.histogram
    worth = typical_worth(costs, card.signature)
    own = costs.break_even(worth)
    curve = profit_curve(costs, worth, histogram)
    thresholds = {"costs": own, "card": card.policy.threshold, "half": HALF, "best": curve.best[0]}
    band = [costs.with_success(success) for success in SUCCESS_BAND]
    return {
        "model_name": card.name,
        "model_version": card.version,
        "basis": report.basis,
        "policy": in_force.policy,
        "customers": report.rows,
        "leavers": report.positives,
        "value": worth,
        "value_is_typical": costs.value_feature is not None,
        "success": costs.success,
        "success_band": list(SUCCESS_BAND),
        "empc": report.metrics["empc"].mean if "empc" in report.metrics else None,
        "at": {name: _at(costs, band, worth, histogram, threshold) for name, threshold in thresholds.items()},
        "curve": {
            "threshold": curve.thresholds[::_STEP].tolist(),
            "profit": curve.profits[::_STEP].tolist(),
            "low": profit_curve(band[0], worth, histogram).profits[::_STEP].tolist(),
            "high": profit_curve(band[1], worth, histogram).profits[::_STEP].tolist(),
        },
    }


def typical_worth(costs: Costs, signature: Signature) -> float:
    """What a customer is worth; where that differs, one with the median of the training rows. Raises NoProfit."""
    if not isinstance(costs.value, str):
        return float(costs.worth(costs.value))
    for feature in signature.features:
        if feature.name == costs.value and feature.observed is not None and feature.observed.median is not None:
            return float(costs.worth(feature.observed.median))
    raise NoProfit("the version does not say what a typical customer is worth: train it again")


def _at(
    costs: Costs, band: list[Costs], worth: float, histogram: OutcomeHistogram, threshold: float
) -> dict[str, float | None]:
    """What calling everyone from a threshold on gains; the threshold is None where no probability reaches it."""
    leavers, loyal = histogram.called(threshold) if threshold <= 1 else (0.0, 0.0)
    low, high = (profit(one, worth, leavers, loyal) for one in band)
    return {
        "threshold": threshold if threshold <= 1 else None,
        "called": leavers + loyal,
        "called_leavers": leavers,
        "kept": costs.success * leavers,
        "profit": profit(costs, worth, leavers, loyal),
        "low": low,
        "high": high,
    }
