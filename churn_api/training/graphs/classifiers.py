"""Classifiers of two classes as nodes of a graph: their log-odds, and the probability of the second class.

Both have shape (n, k), where all k columns are equal.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from churn_api.training.graphs import boosting_libraries, tree_models
from churn_api.training.graphs.column_blocks import Input, as_block
from churn_api.training.graphs.graph_writer import GraphWriter, UnsupportedStepError
from churn_api.training.graphs.linear_sum import logistic_log_odds
from churn_api.training.graphs.transformers import transform
from churn_api.training.graphs.trees import Comparison, Leaf, Split, Tree, add_trees

Rule = Callable[[GraphWriter, Any, Input], str]


def probability(graph: GraphWriter, model: Any, value: Input) -> str:
    """The probability of a classifier's second class. Raises UnsupportedStepError."""
    model, value = _unwrapped(graph, model, value)
    rule = _rule(_PROBABILITY, model)
    return rule(graph, model, value) if rule else graph.add("Sigmoid", log_odds(graph, model, value))


def log_odds(graph: GraphWriter, model: Any, value: Input) -> str:
    """The result of a classifier's decision_function, of LANES columns. Raises UnsupportedStepError."""
    model, value = _unwrapped(graph, model, value)
    rule = _rule(_LOG_ODDS, model)
    if rule is None:
        raise UnsupportedStepError(f"{type(model).__name__} has no rule for doubles")
    return rule(graph, model, value)


def _unwrapped(graph: GraphWriter, model: Any, value: Input) -> tuple[Any, Input]:
    """The classifier inside pipelines and searches, and the value that reaches it."""
    while isinstance(model, Pipeline | GridSearchCV | RandomizedSearchCV):
        if isinstance(model, Pipeline):
            for _, step in model.steps[:-1]:
                value = transform(graph, step, value)
            model = model.steps[-1][1]
        else:
            model = model.best_estimator_
    return model, value


def _rule(rules: dict[type[BaseEstimator], Rule], model: Any) -> Rule | None:
    library = boosting_libraries.rule(model) if rules is _LOG_ODDS else None
    return library or next((rule for kind, rule in rules.items() if type(model) is kind), None)


def _of_columns(rule: Callable[[GraphWriter, Any, str], str]) -> Rule:
    return lambda graph, model, value: rule(graph, model, as_block(graph, value).dense(graph))


def _calibrated(graph: GraphWriter, model: CalibratedClassifierCV, value: Input) -> str:
    """The mean of the calibrated classifiers' probabilities."""
    calibrated = [_calibrated_one(graph, inner, value) for inner in model.calibrated_classifiers_]
    return _mean(graph, calibrated, [1.0] * len(calibrated))


def _calibrated_one(graph: GraphWriter, model: Any, value: Input) -> str:
    score = log_odds if hasattr(model.estimator, "decision_function") else probability
    scores = score(graph, model.estimator, value)
    (calibrator,) = model.calibrators
    if isinstance(calibrator, IsotonicRegression):
        return _interpolated(graph, calibrator, scores)
    if model.method != "sigmoid":
        raise UnsupportedStepError(f"calibration by {model.method!r} has no rule for doubles: use 'sigmoid'")
    product = graph.add("Mul", scores, graph.constant(np.float64(-calibrator.a_)))
    return graph.add("Sigmoid", graph.add("Add", product, graph.lanes(-calibrator.b_)))


def _interpolated(graph: GraphWriter, calibrator: IsotonicRegression, scores: str) -> str:
    """Isotonic calibration: trees look up the line segment of a score, and its two ends."""
    x, y = (np.asarray(array, np.float64) for array in (calibrator.X_thresholds_, calibrator.y_thresholds_))
    if len(x) < 2 or calibrator.out_of_bounds != "clip":
        raise UnsupportedStepError("isotonic calibration of one score, or without out_of_bounds='clip'")
    clipped = graph.add("Clip", scores, *(graph.constant(bound) for bound in (x[0], x[-1])))
    slopes = np.diff(y) / np.diff(x)
    start, slope, height = (add_trees(graph, clipped, [_segments(x[1:-1], values)]) for values in (x, slopes, y))
    return graph.add("Add", graph.add("Mul", slope, graph.add("Sub", clipped, start)), height)


def _segments(edges: Any, values: Any) -> Tree:
    """A balanced tree that gives `values[i]` for a number above the first i edges."""
    if len(edges) == 0:
        return Leaf(float(values[0]))
    middle = len(edges) // 2
    below, above = _segments(edges[:middle], values), _segments(edges[middle + 1 :], values[middle + 1 :])
    return Split(0, Comparison.AT_MOST, float(edges[middle]), below, above)


def _voting(graph: GraphWriter, model: VotingClassifier, value: Input) -> str:
    """The weighted mean of the probabilities."""
    if model.voting != "soft":
        raise UnsupportedStepError("VotingClassifier has no probabilities with voting='hard': use 'soft'")
    weights = [1.0] * len(model.estimators_) if model.weights is None else list(map(float, model._weights_not_none))  # noqa: SLF001
    return _mean(graph, [probability(graph, inner, value) for inner in model.estimators_], weights)


def _mean(graph: GraphWriter, probabilities: list[str], weights: list[float]) -> str:
    if len(probabilities) == 1:
        return probabilities[0]
    weighted = [
        graph.add("Mul", one, graph.constant(np.float64(weight)))
        for one, weight in zip(probabilities, weights, strict=True)
    ]
    return graph.add("Div", graph.add("Sum", *weighted), graph.constant(np.float64(sum(weights))))


_LOG_ODDS: dict[type[BaseEstimator], Rule] = {
    LogisticRegression: logistic_log_odds,
    LogisticRegressionCV: logistic_log_odds,
    HistGradientBoostingClassifier: _of_columns(tree_models.histogram_boosting),
    GradientBoostingClassifier: _of_columns(tree_models.gradient_boosting),
}
_PROBABILITY: dict[type[BaseEstimator], Rule] = {
    RandomForestClassifier: _of_columns(tree_models.forest),
    ExtraTreesClassifier: _of_columns(tree_models.forest),
    DecisionTreeClassifier: _of_columns(tree_models.single_tree),
    CalibratedClassifierCV: _calibrated,
    VotingClassifier: _voting,
}
