"""LightGBM's and XGBoost's classifiers. Neither library is required: a fitted model brings its own."""

import json
from typing import Any

import numpy as np

from churn_api.training.graphs.column_blocks import Input, as_block
from churn_api.training.graphs.graph_writer import GraphWriter, UnsupportedStepError
from churn_api.training.graphs.trees import Comparison, Leaf, Split, Tree, add_trees, split_by_category


def rule(model: Any) -> Any:
    """The rule for a classifier of these libraries, or None."""
    return {"LGBMClassifier": lightgbm, "XGBClassifier": xgboost}.get(type(model).__name__)


def lightgbm(graph: GraphWriter, model: Any, value: Input) -> str:
    """The log-odds of LGBMClassifier."""
    dump = model.booster_.dump_model()
    objective = dump["objective"].split()
    if objective[0] != "binary" or dump["average_output"] or "sigmoid:1" not in objective:
        raise UnsupportedStepError("LGBMClassifier with another objective than 'binary', or with random forests")
    trees = [_lightgbm_tree(tree["tree_structure"]) for tree in dump["tree_info"]]
    return graph.add("Add", add_trees(graph, as_block(graph, value).dense(graph), trees), graph.lanes(0))


def _lightgbm_tree(node: dict[str, Any]) -> Tree:
    if "leaf_value" in node:
        return Leaf(float(node["leaf_value"]))
    branches = _lightgbm_tree(node["left_child"]), _lightgbm_tree(node["right_child"])
    column, missing = int(node["split_feature"]), node["missing_type"]
    if node["decision_type"] == "==":
        if missing == "None":
            raise UnsupportedStepError("LGBMClassifier that takes missing categories for the first one")
        return split_by_category(column, map(float, node["threshold"].split("||")), (), branches, missing_left=False)
    if missing == "Zero":
        raise UnsupportedStepError("LGBMClassifier with zero_as_missing=True has no rule for doubles")
    threshold = float(node["threshold"])
    # Without missing values in training, LightGBM takes a missing number for 0.
    missing_left = node["default_left"] if missing == "NaN" else threshold >= 0
    return Split(column, Comparison.AT_MOST, threshold, *branches, missing_is_true=bool(missing_left))


def xgboost(graph: GraphWriter, model: Any, value: Input) -> str:
    """The log-odds of XGBClassifier. It rounds numbers to float32."""
    learner = json.loads(model.get_booster().save_raw("json"))["learner"]
    if learner["objective"]["name"] != "binary:logistic" or learner["gradient_booster"]["name"] != "gbtree":
        raise UnsupportedStepError("XGBClassifier with another objective than 'binary:logistic', or another booster")
    trees = learner["gradient_booster"]["model"]["trees"]
    best = getattr(model, "best_iteration", None) if getattr(model, "early_stopping_rounds", None) else None
    used = trees if best is None else trees[: (best + 1) * max(1, model.num_parallel_tree or 1)]
    columns = graph.float32(as_block(graph, value).dense(graph))
    base = float(json.loads(learner["learner_model_param"]["base_score"].strip("[]")))
    offset = graph.lanes(np.log(base) - np.log1p(-base))
    return graph.add("Add", add_trees(graph, columns, [_xgboost_tree(tree) for tree in used]), offset)


def _xgboost_tree(tree: dict[str, Any]) -> Tree:
    if any(tree.get("split_type", ())):
        raise UnsupportedStepError("XGBClassifier with categories of its own: put a OneHotEncoder before it")
    left, right = tree["left_children"], tree["right_children"]
    values = np.array(tree["split_conditions"], np.float32)

    def grow(node: int) -> Tree:
        if left[node] < 0:
            return Leaf(float(values[node]))
        return Split(
            int(tree["split_indices"][node]),
            Comparison.BELOW,
            float(values[node]),
            grow(left[node]),
            grow(right[node]),
            missing_is_true=bool(tree["default_left"][node]),
        )

    return grow(0)
