"""What a report says in words: the quality of a model in short, and what each metric means."""

import math

from churn_api.contract.signature import Target
from churn_api.registry.evaluation_report import EvaluationMethod, EvaluationReport, OperatingPoint
from churn_api.registry.global_explanation import GlobalExplanation
from churn_api.reports.markup import percent

_CONTACTED = 10
PROFIT = (
    "Here a customer is worth 200, an offer that is accepted costs 10 and a call 1, and the offer keeps 30 % of those "
    "who would leave. With your own costs the profit, and the threshold from which a call gains, are others."
)
"""What the chart of profit assumes."""


def in_short(report: EvaluationReport) -> list[str]:
    """The quality of a model, in sentences for people who contact customers."""
    rate, reached = report.positives / report.rows, report.gains[_CONTACTED]
    times = reached / (_CONTACTED / 100)
    own = own_point(report)
    flagged = own.true_positives + own.false_positives
    contact = (
        f"Contact the {_CONTACTED} % of customers with the highest probabilities, and you reach {percent(reached, 0)} "
        f"of all who leave: {times:.1f} times as many as by chance. {percent(rate * times, 0)} of these customers "
        f"leave; of all customers, {percent(rate, 0)}."
    )
    decide = (
        f"With the threshold of {report.threshold:.3f} the model flags {percent(flagged / report.rows, 0)} of the "
        f"customers. {percent(own.true_positives / max(flagged, 1), 0)} of the flagged leave (precision), and it finds "
        f"{percent(own.true_positives / report.positives, 0)} of all who leave (recall)."
    )
    trust = (
        f"Its probabilities differ from observed churn by {100 * report.metrics['ece'].mean:.1f} percentage points on "
        "average. At 0 points, 30 of 100 customers with a probability of 30 % leave."
    )
    return [contact, decide, trust]


def basis(report: EvaluationReport) -> str:
    """What the figures were measured on."""
    if report.basis == "cross-validation":
        return (
            "Every figure comes from cross-validation: each customer's probability is from a model that was fitted "
            "without that customer."
        )
    if report.basis == "holdout":
        return "Every figure comes from a holdout: a table that the model did not learn from."
    return "Every figure comes from the golden table that the pipeline was packaged with."


def method(report: EvaluationReport) -> list[str]:
    """How training evaluated the model and chose its threshold, in sentences."""
    chosen = report.method
    if chosen is None:
        return []
    folds = "Candidate, calibrator and threshold were chosen by cross-validation on the training table."
    weights = f"Each customer counts by the column {chosen.sample_weight!r}, in the fit and in every figure."
    return [
        *([folds] if report.basis == "holdout" else []),
        f"Folds: {_folds(chosen)}.",
        *([weights] if chosen.sample_weight else []),
        f"Threshold: {_threshold(chosen)}.",
    ]


def _folds(chosen: EvaluationMethod) -> str:
    if chosen.time:
        return f"each is evaluated on later rows than it learns from, by the column {chosen.time!r}"
    if chosen.group:
        return f"all rows with the same value of the column {chosen.group!r} are in one fold"
    return "rows drawn at random, with the same share of churners in each"


def _threshold(chosen: EvaluationMethod) -> str:
    if chosen.calls is None:
        return "the one with the largest F1 on rows out of fold"
    return f"the one that flags {chosen.calls:,} of the rows of the training table, out of fold"


def meanings(report: EvaluationReport) -> dict[str, str]:
    """What each metric means, and what a model without knowledge would have."""
    rate = report.positives / report.rows
    entropy = -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)
    return {
        "roc_auc": "Of a customer who left and one who stayed, how often the first has the higher probability. "
        "0.5 is chance, 1 is perfect.",
        "pr_auc": f"Precision, averaged over all shares of churners found. Chance has {rate:.3f}, 1 is perfect.",
        "brier": "Mean squared difference between the probability and what happened; smaller is better. "
        f"Giving everyone the churn rate has {rate * (1 - rate):.3f}.",
        "log_loss": "How far the probabilities are from what happened, where confident errors count most; smaller is "
        f"better. Giving everyone the churn rate has {entropy:.3f}.",
        "ece": "Mean gap between predicted and observed churn in ten groups of customers; smaller is better. "
        "0.02 is two percentage points.",
        "empc": "Expected maximum profit for each customer: what calling the right ones earns, where one is worth 200, "
        "an offer costs 10 and a call 1, and the offer keeps 15 to 48 % of those who would leave.",
    }


def predicts(target: Target) -> str:
    """What the model predicts."""
    within = "" if target.horizon_days is None else f" within {_days(target.horizon_days)}"
    return f"It gives each customer the probability that {target.name} is {target.positive}{within}."


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"


def own_point(report: EvaluationReport) -> OperatingPoint:
    """The confusion matrix at the model's own threshold."""
    return next(one for one in report.operating_points if one.threshold == report.threshold)


def contributions(explanation: GlobalExplanation) -> str:
    """What the charts of contributions show, and in which unit."""
    unit = (
        "They are parts of the probability."
        if explanation.scale == "probability"
        else "They are log-odds: near a probability of a half, 0.4 are ten percentage points."
    )
    return (
        f"Importance is the mean size of a feature's contributions over {explanation.background_rows:,} training rows. "
        "Below it is the mean contribution of each value with its share of the rows: to the right it raises the risk. "
        f"{unit} These are facts about the model, not causes."
    )
