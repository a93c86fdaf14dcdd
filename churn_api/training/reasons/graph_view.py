"""A graph as reasons read it: which node computes a value, and which values are constants."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper


class NotExactError(Exception):
    """A graph that reasons cannot be exact for; the text gives the reason."""


class GraphView:
    """A read-only view of a model's graph."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self._producers = {name: node for node in model.graph.node for name in node.output}
        self._constants = {each.name: each for each in model.graph.initializer}

    @property
    def ends(self) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
        """The graph's inputs and outputs."""
        return list(self.model.graph.input), list(self.model.graph.output)

    def producer(self, name: str) -> onnx.NodeProto | None:
        """The node that computes a value; None for inputs and constants."""
        return self._producers.get(name)

    def constant(self, name: str) -> NDArray[Any] | None:
        """A constant's array; None for other values."""
        constant = self._constants.get(name)
        return None if constant is None else numpy_helper.to_array(constant)


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """An attribute of a node, tensors as arrays."""
    for each in node.attribute:
        if each.name == name:
            value = helper.get_attribute_value(each)
            return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
    return default


def equal_elements(array: NDArray[Any] | None) -> float | None:
    """The number that all elements of a constant are; None where they differ, or where there is no constant."""
    if array is None or array.size == 0 or not np.all(array == array.flat[0]):
        return None
    return float(array.flat[0])
