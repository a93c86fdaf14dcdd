"""Whether a graph gives a row the same double alone as among others, whatever processor runs it."""

import onnx

from churn_api.training.exact_sum import EXACT_SUM

_ELEMENTWISE = {
    *("Abs", "Add", "And", "Cast", "Clip", "Div", "Equal", "Exp", "Greater", "GreaterOrEqual", "Identity", "Less"),
    *("LessOrEqual", "Max", "Min", "Mul", "Not", "Or", "Relu", "Round", "Sigmoid", "Sub", "Sum", "Where", "Xor"),
}
_LOOKUPS = {"ArgMax", "ArrayFeatureExtractor", "Concat", "Gather", "LabelEncoder", "OneHotEncoder", "Reshape"}
_OF_MODELS = {"Imputer", "Scaler", "TreeEnsembleClassifier", "TreeEnsembleRegressor"}
_ROW_BY_ROW = _ELEMENTWISE | _LOOKUPS | _OF_MODELS
"""Operators that compute each number by itself, look it up, or walk each row through the trees in turn.

Those that add over columns (MatMul, ReduceSum, LinearClassifier, SVMClassifier, …) are not among them: they may add in
an order that depends on the number of rows. An operator that nobody thought of is not either.
"""


def scores_rows_independently(graph: onnx.ModelProto) -> bool:
    """Whether every operator computes a row from that row alone, in an order that the other rows do not change."""
    return all(
        node.op_type in _ROW_BY_ROW or all(name.startswith(EXACT_SUM) for name in node.output)
        for node in graph.graph.node
    )
