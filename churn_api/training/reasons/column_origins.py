"""Which features an encoded column is computed from, followed through the graph.

Followed rather than tried out: rows that show every category of every column are not always there.
"""

from collections.abc import Sequence

import onnx

from churn_api.contract.signature import Signature
from churn_api.scoring.onnx import NUMBERS, TEXTS
from churn_api.training.reasons.graph_view import GraphView, NotExactError, attribute
from churn_api.training.row_independence import ELEMENTWISE

Origins = Sequence[frozenset[int]]
"""Per column the positions of features in the signature."""

_BY_ELEMENT = ELEMENTWISE | {"LabelEncoder"}
_NONE: frozenset[int] = frozenset()


def single_origins(graph: GraphView, name: str, signature: Signature) -> list[int]:
    """Per column of a value, the position of the one feature that it is computed from.

    A column that no feature moves gets the first. Raises NotExactError for one that several features move.
    """
    origins = _Origins(graph, signature).of(name)
    if any(len(features) > 1 for features in origins):
        raise NotExactError("a column that reaches the classifier is computed from several features")
    return [min(features, default=0) for features in origins]


class _Origins:
    def __init__(self, graph: GraphView, signature: Signature) -> None:
        self._graph = graph
        self._known: dict[str, Origins] = {}
        for block, numeric in ((NUMBERS, True), (TEXTS, False)):
            features = enumerate(signature.features)
            self._known[block] = [frozenset({at}) for at, feature in features if feature.numeric == numeric]

    def of(self, name: str) -> Origins:
        """The origins of a value's columns; a constant of one number has one column."""
        if name not in self._known:
            node = self._graph.producer(name)
            self._known[name] = self._of_constant(name) if node is None else self._of_node(node)
        return self._known[name]

    def _of_constant(self, name: str) -> Origins:
        constant = self._graph.constant(name)
        if constant is None:
            raise NotExactError(f"the graph has an unknown input {name!r}")
        return [_NONE] * (constant.shape[-1] if constant.ndim else 1)

    def _of_node(self, node: onnx.NodeProto) -> Origins:
        if node.op_type == "ArrayFeatureExtractor":
            columns = self.of(node.input[0])
            indices = self._graph.constant(node.input[1])
            if indices is not None:
                return [columns[int(index)] for index in indices.ravel()]
        if node.op_type == "Concat" and attribute(node, "axis") == 1:
            return [features for name in node.input for features in self.of(name)]
        if node.op_type == "Gather" and attribute(node, "axis", 0) == 0 and self._is_list(node.input[0]):
            return self.of(node.input[1])
        if node.op_type in _BY_ELEMENT:
            return _together([self.of(name) for name in node.input if name])
        raise NotExactError(f"a step mixes columns ({node.op_type})")

    def _is_list(self, name: str) -> bool:
        """Whether a value is a constant of one dimension, which a Gather looks each element up in."""
        constant = self._graph.constant(name)
        return constant is not None and constant.ndim == 1


def _together(inputs: list[Origins]) -> Origins:
    """The origins of columns that are computed from inputs of the same width, or of width one."""
    width = max(map(len, inputs))
    if not {len(each) for each in inputs} <= {1, width}:
        raise NotExactError("a step mixes columns")
    return [frozenset().union(*(each[0 if len(each) == 1 else at] for each in inputs)) for at in range(width)]
