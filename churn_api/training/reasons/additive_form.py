"""The sum in a graph: its probability is a straight line of a sum, or the sigmoid of one."""

from typing import NamedTuple

import onnx

from churn_api.scoring.explanation import Scale
from churn_api.scoring.onnx import PROBABILITY
from churn_api.training.graphs.linear_sum import EXACT_SUM
from churn_api.training.reasons.graph_view import GraphView, NotExactError, attribute, equal_elements

_UPRIGHT, _MIRRORED = (1.0, 0.0), (-1.0, 1.0)


class AdditiveForm(NamedTuple):
    """On `scale`, the result of a graph is slope * (the result of `node`) + intercept."""

    scale: Scale
    node: onnx.NodeProto
    """Trees (TreeEnsemble), or a weighted sum of columns (Gemm)."""
    slope: float
    intercept: float

    @property
    def is_linear(self) -> bool:
        """Whether the sum is of weighted columns."""
        return is_linear_sum(self.node)


def is_linear_sum(node: onnx.NodeProto) -> bool:
    """Whether a node is the sum that `linear_sum` writes."""
    return node.op_type == "Gemm" and node.output[0].startswith(EXACT_SUM)


def additive_form(graph: GraphView) -> AdditiveForm:
    """The form of a graph. Raises NotExactError where it has none.

    Followed from the probability to the sum: the column that is returned, sums and products with a number, and one
    sigmoid. The line of a calibrator stays a line.
    """
    scale: Scale = "probability"
    line = _UPRIGHT
    name = PROBABILITY
    while True:
        node = graph.producer(name)
        if node is None:
            raise NotExactError("the probability is an input or a constant")
        if node.op_type == "TreeEnsemble" or is_linear_sum(node):
            return AdditiveForm(scale, node, *line)
        if node.op_type == "Sigmoid" and scale == "probability" and line in (_UPRIGHT, _MIRRORED):
            # 1 - sigmoid(f) is sigmoid(-f).
            scale, line, name = "log_odds", (line[0], 0.0), node.input[0]
        elif node.op_type == "Gather" and attribute(node, "axis", 0) == 1:
            name = node.input[0]
        else:
            name, line = _through_line(graph, node, line)


def _through_line(graph: GraphView, node: onnx.NodeProto, line: tuple[float, float]) -> tuple[str, tuple[float, float]]:
    """What a node adds a number to, or multiplies by one, and the line from there. Raises NotExactError."""
    slope, intercept = line
    numbers = [equal_elements(graph.constant(name)) for name in node.input]
    match node.op_type, numbers:
        case "Add", [None, float(number)]:
            return node.input[0], (slope, intercept + slope * number)
        case "Sub", [None, float(number)]:
            return node.input[0], (slope, intercept - slope * number)
        case "Sub", [float(number), None]:
            return node.input[1], (-slope, intercept + slope * number)
        case "Mul", [None, float(number)]:
            return node.input[0], (slope * number, intercept)
        case "Div", [None, float(number)]:
            return node.input[0], (slope / number, intercept)
    raise NotExactError("the model is no single sum of columns or trees")
