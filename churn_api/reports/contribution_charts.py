"""Charts of what moves a model's predictions: the importance of features, and the contributions of their values."""

from churn_api.registry.global_explanation import ContributionBin, FeatureExplanation, GlobalExplanation
from churn_api.reports.bars import Bar, bar_chart, diverging_chart
from churn_api.reports.charts import bin_label
from churn_api.reports.markup import percent

MAX_FEATURES = 12
"""Features with a chart of their own, the most important first."""


def importance_chart(explanation: GlobalExplanation) -> str:
    """The mean size of each feature's contributions."""
    shown = explanation.features[:MAX_FEATURES]
    bars = [Bar(one.feature, one.importance, f"{one.importance:.3f}") for one in shown]
    return bar_chart("What moves predictions most", bars, max((bar.value for bar in bars), default=0.0) or 1.0)


def contribution_charts(explanation: GlobalExplanation) -> list[str]:
    """A chart for each feature that has bins: the mean contribution by value, to the right where it raises the risk."""
    shown = [one for one in explanation.features[:MAX_FEATURES] if one.bins]
    limit = max((abs(part.contribution) for one in shown for part in one.bins), default=0.0) or 1.0
    return [_chart(one, limit) for one in shown]


def _chart(feature: FeatureExplanation, limit: float) -> str:
    return diverging_chart(feature.feature, [_bar(part, feature.reference) for part in feature.bins], limit)


def _bar(part: ContributionBin, reference: str | None) -> Bar:
    return Bar(bin_label(part, reference), part.contribution, f"{part.contribution:+.2f}, {percent(part.share, 0)}")
