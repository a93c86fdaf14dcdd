"""The charts of an evaluation, each an SVG element. With a second version its curves are drawn with the first's."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from churn_api.contract.dates import day_of
from churn_api.registry.evaluation_report import Effect, EvaluationReport
from churn_api.registry.feature_bin import FeatureBin
from churn_api.reports.axes import Axes, nice_limit
from churn_api.reports.bars import Bar, bar_chart
from churn_api.reports.markup import number, percent
from churn_api.scoring.costs import Costs
from churn_api.scoring.empc import ALPHA, BETA, CONTACT, OFFER, VALUE
from churn_api.scoring.profit import PROFIT_BINS, profit_curve

_COSTS = Costs(offer=OFFER, contact=CONTACT, value=VALUE, success=ALPHA / (ALPHA + BETA))
"""The amounts of EMPC's authors, and the mean of what they take an offer to keep."""
_STEP = PROFIT_BINS // 100
_CLASSES = ("line first", "line second")
_DOTS = ("dot first", "dot second")


class Evaluated(NamedTuple):
    """A version, and what was measured of it."""

    version: str
    report: EvaluationReport


def roc_chart(versions: Sequence[Evaluated]) -> str:
    """The ROC curve, with the diagonal of chance."""
    axes = Axes(title="ROC curve", x_label="Share of loyal customers flagged", y_label="Share of churners found")
    lines = [
        axes.line(found.report.roc.false_positive_rate, found.report.roc.true_positive_rate, class_)
        for found, class_ in zip(versions, _CLASSES, strict=False)
    ]
    return axes.draw(axes.line([0, 1], [0, 1], "guide"), *lines, legend=_legend(versions, "roc_auc", "AUC"))


def precision_recall_chart(versions: Sequence[Evaluated]) -> str:
    """The precision-recall curve, with the churn rate, which chance has as its precision."""
    axes = Axes(
        title="Precision and recall", x_label="Share of churners found (recall)", y_label="Of the flagged, churners"
    )
    lines = [
        axes.line(found.report.precision_recall.recall, found.report.precision_recall.precision, class_)
        for found, class_ in zip(versions, _CLASSES, strict=False)
    ]
    rate = _base_rate(versions[0].report)
    return axes.draw(axes.line([0, 1], [rate, rate], "guide"), *lines, legend=_legend(versions, "pr_auc", "area"))


def calibration_chart(versions: Sequence[Evaluated]) -> str:
    """Predicted and observed churn of ten groups of customers, with the diagonal of perfect calibration."""
    bins = [one for found in versions for one in found.report.calibration]
    limit = nice_limit(max(max(one.predicted, one.observed) for one in bins))
    axes = Axes(
        title="Calibration",
        x_label="Churn predicted, ten groups of customers",
        y_label="Churn observed",
        x_limit=limit,
        y_limit=limit,
    )
    marks = [axes.line([0, limit], [0, limit], "guide")]
    for found, line, dot in zip(versions, _CLASSES, _DOTS, strict=False):
        x = [one.predicted for one in found.report.calibration]
        y = [one.observed for one in found.report.calibration]
        marks += [axes.line(x, y, line), axes.dots(x, y, dot)]
    return axes.draw(*marks, legend=_legend(versions, "ece", "ECE"))


def gains_chart(versions: Sequence[Evaluated]) -> str:
    """The share of churners among the customers with the highest probabilities."""
    axes = Axes(
        title="Gains",
        x_label="Share of customers contacted, highest probability first",
        y_label="Share of churners reached",
    )
    shares = [per_cent / 100 for per_cent in range(101)]
    lines = [axes.line(shares, found.report.gains, class_) for found, class_ in zip(versions, _CLASSES, strict=False)]
    rate = _base_rate(versions[0].report)
    best = axes.line([0, rate, 1], [0, 1, 1], "guide")
    return axes.draw(axes.line([0, 1], [0, 1], "guide"), best, *lines, legend=_legend(versions))


def threshold_chart(report: EvaluationReport) -> str:
    """Precision and recall along the threshold."""
    axes = Axes(title="Precision and recall by threshold", x_label="Threshold", y_label="Share")
    points = report.operating_points
    flagged = [one for one in points if one.true_positives + one.false_positives]
    precision = [one.true_positives / (one.true_positives + one.false_positives) for one in flagged]
    recall = [one.true_positives / report.positives for one in points]
    return axes.draw(
        axes.vertical(report.threshold, f"threshold {report.threshold:.3f}"),
        axes.line([one.threshold for one in flagged], precision, _CLASSES[0]),
        axes.line([one.threshold for one in points], recall, _CLASSES[1]),
        legend=((_CLASSES[0], "precision"), (_CLASSES[1], "recall")),
    )


def profit_chart(versions: Sequence[Evaluated]) -> str:
    """What calling everyone from a threshold on gains, of what knowing the leavers would; losses are left out."""
    axes = Axes(
        title="Profit by threshold", x_label="Threshold", y_label="Profit, of what knowing who leaves would gain"
    )
    lines = []
    for found, class_ in zip(versions, _CLASSES, strict=False):
        if found.report.outcomes is not None:
            histogram = found.report.outcomes.histogram
            curve = profit_curve(_COSTS, VALUE, histogram)
            most = float(histogram.leavers.sum()) * _COSTS.gain(1.0, VALUE)
            shares = (curve.profits[::_STEP] / most).clip(0)
            lines.append(axes.line(curve.thresholds[::_STEP].tolist(), shares.tolist(), class_))
    own = _COSTS.break_even(VALUE)
    mark = axes.vertical(own, f"a call gains from {own:.3f}")
    return axes.draw(mark, *lines, legend=_legend(versions, "empc", "EMPC"))


def importance_chart(report: EvaluationReport) -> str:
    """The loss of ROC-AUC where a feature is shuffled."""
    bars = [Bar(name, lost, f"{lost:.4f}") for name, lost in report.importance.items()]
    return bar_chart("Most important features", bars, max(0.0, *(bar.value for bar in bars)) or 1.0)


def effect_charts(report: EvaluationReport) -> list[str]:
    """A chart for each feature: the bar is the churn rate observed, the line across it the one predicted."""
    bins = [one for effect in report.effects for one in effect.bins]
    limit = max((max(one.observed, one.predicted) for one in bins), default=0.0) or 1.0
    return [_effect_chart(effect, limit) for effect in report.effects]


def _effect_chart(effect: Effect, limit: float) -> str:
    bars = [
        Bar(
            bin_label(one, effect.reference),
            one.observed,
            f"{percent(one.observed)} of {one.rows:,}",
            mark=one.predicted,
        )
        for one in effect.bins
    ]
    return bar_chart(effect.feature, bars, limit)


def bin_label(one: FeatureBin, reference: str | None) -> str:
    """What a bin holds: a range, a category, missing values, or others."""
    if one.kind == "range" and one.lower is not None and one.upper is not None:
        return _range_label(one.lower, one.upper, reference)
    return one.category if one.category is not None else {"missing": "(missing)", "others": "(others)"}[one.kind]


def _range_label(lower: float, upper: float, reference: str | None) -> str:
    if reference is None:
        first, last = number(lower), number(upper)
    else:
        # Days count back: the largest number is the earliest date.
        first, last = (str(day_of(days, date.fromisoformat(reference))) for days in (upper, lower))
    return first if first == last else f"{first} to {last}"


def _base_rate(report: EvaluationReport) -> float:
    return report.positives / report.rows


def _legend(versions: Sequence[Evaluated], metric: str = "", title: str = "") -> list[tuple[str, str]]:
    return [
        (class_, f"version {found.version}" + (f", {title} {found.report.metrics[metric].mean:.3f}" if metric else ""))
        for found, class_ in zip(versions, _CLASSES, strict=False)
    ]
