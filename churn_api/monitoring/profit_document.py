"""What calling would gain with a model's costs, as JSON: measured on customers that it was not fitted on."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from churn_api.contract.signature import Signature
from churn_api.monitoring.call_effect import CallEffect
from churn_api.monitoring.live_calibration import is_off
from churn_api.monitoring.live_figures import Estimate
from churn_api.registry.card import Card
from churn_api.registry.decision import CostsInForce
from churn_api.registry.evaluation_report import EvaluationReport
from churn_api.scoring.costs import Costs
from churn_api.scoring.profit import PROFIT_BINS, SUCCESS_BAND, OutcomeHistogram, ProfitCurve, profit, profit_curve

HALF = 0.5
_STEP = PROFIT_BINS // 100
_LEAST = 1e-6


class NoProfit(Exception):
    """No profit follows; the text says why."""


def profit_document(
    card: Card,
    report: EvaluationReport | None,
    in_force: CostsInForce,
    effect: CallEffect | None = None,
    calibration: Estimate | None = None,
) -> dict[str, Any]:
    """The curve over thresholds, and the profit at those of the costs, of the card, of one half, and at the best one.

    Raises NoProfit where the bundle does not say how its evaluated customers spread.
    """
    if report is None or report.outcomes is None:
        raise NoProfit("the version was packaged without the outcomes of its evaluation: train it again")
    histogram = report.outcomes.histogram
    costs, share = with_measured(in_force.costs, effect)
    worth = typical_worth(costs, card.signature)
    own = in_force.costs.break_even(worth)
    band = [costs.with_success(success) for success in share.band]
    curves = [profit_curve(one, worth, histogram) for one in (costs, *band)]
    thresholds = {"costs": own, "card": card.policy.threshold, "half": HALF, "best": curves[0].best[0]}
    at = {name: _at(costs, band, worth, histogram, threshold) for name, threshold in thresholds.items()}
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
        "success_is_measured": share.is_measured,
        "success_band": list(share.band),
        "empc": report.metrics["empc"].mean if "empc" in report.metrics else None,
        "calibration": calibration and calibration._asdict(),
        "forecast_per_1000": None if is_off(calibration) else 1000 * float(at["costs"]["profit"] or 0) / report.rows,
        "at": at,
        "curve": _sampled(curves),
    }


class SuccessShare(NamedTuple):
    """What the share of leavers that the offer keeps may be."""

    band: tuple[float, float]
    is_measured: bool


def with_measured(costs: Costs, effect: CallEffect | None) -> tuple[Costs, SuccessShare]:
    """The costs with the measured share of leavers that calling keeps, once there is one; and its interval."""
    if effect is None or effect.success is None or not effect.is_measured:
        return costs, SuccessShare(SUCCESS_BAND, is_measured=False)
    value, low, high = effect.success
    return costs.with_success(value), SuccessShare((max(low, _LEAST), high), is_measured=True)


def typical_worth(costs: Costs, signature: Signature) -> float:
    """What a customer is worth; where that differs, one with the median of the training rows. Raises NoProfit."""
    if not isinstance(costs.value, str):
        return float(costs.worth(costs.value))
    for feature in signature.features:
        if feature.name == costs.value and feature.observed is not None and feature.observed.median is not None:
            return float(costs.worth(feature.observed.median))
    raise NoProfit(
        f"the version's signature has no median of {costs.value!r}: train again without --signature, or with `observed`"
    )


def _sampled(curves: Sequence[ProfitCurve]) -> dict[str, list[float]]:
    """101 points of the curve, and of those at the ends of the band."""
    profits = zip(("profit", "low", "high"), curves, strict=True)
    return {"threshold": curves[0].thresholds[::_STEP].tolist()} | {
        name: curve.profits[::_STEP].tolist() for name, curve in profits
    }


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
