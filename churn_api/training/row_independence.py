"""Checks whether a graph gives a row the same double alone and in a batch, on any processor."""

from collections.abc import Mapping

import onnx
from onnx.shape_inference import infer_shapes

from churn_api.training.graphs.graph_writer import LANES
from churn_api.training.graphs.linear_sum import EXACT_SUM

_EXPONENTIALS = {"Exp", "Sigmoid"}
"""They depend on other rows unless a row has a multiple of LANES elements: see `GraphWriter.lanes`."""
_ARITHMETIC = {"Abs", "Add", "Cast", "Clip", "Div", "Identity", "Max", "Min", "Mul", "Relu", "Round", "Sub", "Sum"}
_COMPARISONS = {"Equal", "Greater", "GreaterOrEqual", "IsNaN", "Less", "LessOrEqual"}
_LOGIC = {"And", "Not", "Or", "Where", "Xor"}
ELEMENTWISE = _ARITHMETIC | _COMPARISONS | _LOGIC | _EXPONENTIALS
"""Operators that compute each element separately."""
_LOOKUPS = {"ArgMax", "ArrayFeatureExtractor", "Concat", "Gather", "LabelEncoder", "OneHotEncoder", "Reshape"}
_MODEL_OPERATORS = {"Imputer", "Scaler", "TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"}
_ROW_BY_ROW = ELEMENTWISE | _LOOKUPS | _MODEL_OPERATORS
"""An allowlist of operators that compute each element separately, look it up, or evaluate trees row by row.

Operators that sum over columns (MatMul, ReduceSum, LinearClassifier, SVMClassifier, …) are not in it: their order of
addition may depend on the number of rows.
"""


def scores_rows_independently(graph: onnx.ModelProto) -> bool:
    """Whether every operator computes a row from that row only, in an order that does not depend on other rows."""
    widths = _widths(graph)
    return all(_is_independent(node, widths) for node in graph.graph.node)


def _is_independent(node: onnx.NodeProto, widths: Mapping[str, int]) -> bool:
    if node.op_type in _EXPONENTIALS:
        return all(widths.get(name, 1) % LANES == 0 for name in node.output)
    return node.op_type in _ROW_BY_ROW or all(name.startswith(EXACT_SUM) for name in node.output)


def _widths(graph: onnx.ModelProto) -> dict[str, int]:
    """The number of columns of each value where it is known."""
    shapes = {value.name: value.type.tensor_type.shape.dim for value in infer_shapes(graph).graph.value_info}
    return {name: shape[-1].dim_value for name, shape in shapes.items() if len(shape) > 1 and shape[-1].dim_value}
