"""scikit-learn's trees and ensembles of trees."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from churn_api.training.graphs.graph_writer import GraphWriter, UnsupportedStepError
from churn_api.training.graphs.trees import Comparison, Leaf, Split, Tree, add_trees, split_by_category

Forest: TypeAlias = RandomForestClassifier | ExtraTreesClassifier


def histogram_boosting(graph: GraphWriter, model: HistGradientBoostingClassifier, columns: str) -> str:
    """The log-odds of HistGradientBoostingClassifier."""
    categories = _external_categories(model)
    original = [*categories, *(index for index in range(model.n_features_in_) if index not in categories)]
    trees = [_histogram_tree(predictor, original, categories) for (predictor,) in model._predictors]  # noqa: SLF001
    baseline = graph.lanes(model._baseline_prediction.item())  # noqa: SLF001
    return graph.add("Add", add_trees(graph, columns, trees), baseline)


def _external_categories(model: HistGradientBoostingClassifier) -> dict[int, NDArray[np.float64]]:
    """The values of each categorical column, by position; inside the model a category is the index of its value."""
    if model.is_categorical_ is None:
        return {}
    encoder = model._preprocessor.named_transformers_["encoder"]  # noqa: SLF001
    columns = np.flatnonzero(model.is_categorical_).tolist()
    if not all(np.issubdtype(values.dtype, np.number) for values in encoder.categories_):
        raise UnsupportedStepError(
            "HistGradientBoostingClassifier takes categories as text: put an OrdinalEncoder before it, with "
            "handle_unknown='use_encoded_value' and unknown_value=nan"
        )
    return dict(zip(columns, encoder.categories_, strict=True))


def _histogram_tree(predictor: Any, original: Sequence[int], categories: dict[int, NDArray[np.float64]]) -> Tree:
    nodes, bitsets = predictor.nodes, predictor.raw_left_cat_bitsets

    def grow(index: int) -> Tree:
        node = nodes[index]
        if node["is_leaf"]:
            return Leaf(float(node["value"]))
        left, right = grow(int(node["left"])), grow(int(node["right"]))
        column, missing_left = original[int(node["feature_idx"])], bool(node["missing_go_to_left"])
        if not node["is_categorical"]:
            threshold = float(node["num_threshold"])
            return Split(column, Comparison.AT_MOST, threshold, left, right, missing_is_true=missing_left)
        known = categories[column][~np.isnan(categories[column])]
        in_left = _bits(bitsets[int(node["bitset_idx"])], len(known))
        return split_by_category(column, known[in_left], known[~in_left], (left, right), missing_left=missing_left)

    return grow(0)


def _bits(words: NDArray[np.uint32], count: int) -> NDArray[np.bool_]:
    """The first `count` bits of a set that is written as words of 32 bits."""
    index = np.arange(count)
    return np.asarray((words[index // 32] >> (index % 32).astype(np.uint32)) & 1, np.bool_)


def gradient_boosting(graph: GraphWriter, model: GradientBoostingClassifier, columns: str) -> str:
    """The log-odds of GradientBoostingClassifier. It rounds numbers to float32."""
    if model.loss != "log_loss" or not (model.init_ == "zero" or isinstance(model.init_, DummyClassifier)):
        raise UnsupportedStepError("GradientBoostingClassifier of another loss or `init` has no rule for doubles")
    scores = model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32))  # noqa: SLF001
    trees = [_tree(tree.tree_, model.learning_rate * tree.tree_.value[:, 0, 0]) for (tree,) in model.estimators_]
    return graph.add("Add", add_trees(graph, graph.float32(columns), trees), graph.lanes(scores.item()))


def forest(graph: GraphWriter, model: Forest, columns: str) -> str:
    """The probability of the second class by a forest, shape (n, 1). It rounds numbers to float32."""
    total = add_trees(graph, graph.float32(columns), [_probability_tree(tree) for tree in model.estimators_])
    return graph.add("Div", total, graph.constant(np.float64(len(model.estimators_))))


def single_tree(graph: GraphWriter, model: DecisionTreeClassifier, columns: str) -> str:
    """The probability of the second class by a tree, shape (n, 1). It rounds numbers to float32."""
    return add_trees(graph, graph.float32(columns), [_probability_tree(model)])


def _probability_tree(model: DecisionTreeClassifier) -> Tree:
    shares = model.tree_.value[:, 0, :2]
    return _tree(model.tree_, shares[:, 1] / shares.sum(axis=1))


def _tree(tree: Any, values: NDArray[np.float64]) -> Tree:
    left, right, thresholds, columns = tree.children_left, tree.children_right, tree.threshold, tree.feature
    missing_left = tree.missing_go_to_left

    def grow(node: int) -> Tree:
        if left[node] == right[node]:
            return Leaf(float(values[node]))
        return Split(
            int(columns[node]),
            Comparison.AT_MOST,
            float(thresholds[node]),
            grow(left[node]),
            grow(right[node]),
            missing_is_true=bool(missing_left[node]),
        )

    return grow(0)
