"""Checks whether a graph gives a row the same double alone and in a batch, on any processor."""

import onnx

from churn_api.training.graphs.linear_sum import EXACT_SUM

ELEMENTWISE = {
    *("Abs", "Add", "And", "Cast", "Clip", "Div", "Equal", "Exp", "Greater", "GreaterOrEqual", "Identity", "IsNaN"),
    *(
        "Less",
        "LessOrEqual",
        "Max",
        "Min",
        "Mul",
        "Not",
        "Or",
        "Relu",
        "Round",
        "Sigmoid",
        "Sub",
        "Sum",
        "Where",
        "Xor",
    ),
}
_LOOKUPS = {"ArgMax", "ArrayFeatureExtractor", "Concat", "Gather", "LabelEncoder", "OneHotEncoder", "Reshape"}
_MODEL_OPERATORS = {"Imputer", "Scaler", "TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"}
_ROW_BY_ROW = ELEMENTWISE | _LOOKUPS | _MODEL_OPERATORS
"""An allowlist of operators that compute each element separately, look it up, or evaluate trees row by row.

Operators that sum over columns (MatMul, ReduceSum, LinearClassifier, SVMClassifier, …) are not in it: their order of
addition may depend on the number of rows.
"""


def scores_rows_independently(graph: onnx.ModelProto) -> bool:
    """Whether every operator computes a row from that row only, in an order that does not depend on other rows."""
    return all(
        node.op_type in _ROW_BY_ROW or all(name.startswith(EXACT_SUM) for name in node.output)
        for node in graph.graph.node
    )
