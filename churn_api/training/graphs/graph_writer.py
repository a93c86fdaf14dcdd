"""Collects the nodes and constants of a graph."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

ML_DOMAIN = "ai.onnx.ml"
_OPSETS = {"": 21, ML_DOMAIN: 5}
_IR_VERSION = 10

LANES = 8
"""Copies of a number that sigmoids are computed for: see `GraphWriter.lanes`."""


class UnsupportedStepError(Exception):
    """A step of a pipeline that has no rule here; the text names it, and what to do instead where that is known."""


class GraphWriter:
    """A graph under construction. Values are referred to by name; each method returns the name of its result.

    With `start` it continues that graph.
    """

    def __init__(self, start: onnx.ModelProto | None = None) -> None:
        self._nodes: list[onnx.NodeProto] = list(start.graph.node) if start else []
        self._constants: list[onnx.TensorProto] = list(start.graph.initializer) if start else []
        self._names = 0
        ours = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        self._opsets = list(start.opset_import) if start else ours
        self._ir_version = start.ir_version if start else _IR_VERSION
        self._taken = {name for node in self._nodes for name in node.output} | {each.name for each in self._constants}

    def constant(self, array: Any) -> str:
        """Add a constant."""
        name = self._new_name("constant")
        self._constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def lanes(self, number: float) -> str:
        """Add a constant of eight copies of a number.

        A processor computes exponentials of several doubles at once, and those that are left over by another formula,
        which can differ in the last digit. So that a row gets the same double alone and in a batch, what goes into a
        sigmoid has eight equal columns, a multiple of what processors take at once: none is left over.
        """
        return self.constant(np.full(LANES, number, np.float64))

    def add(self, operator: str, *inputs: str, prefix: str | None = None, **attributes: Any) -> str:
        """Add a node of the standard domain with one output, whose name begins with `prefix`."""
        return self._add(operator, inputs, "", prefix, attributes)

    def add_ml(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of the domain `ai.onnx.ml` with one output."""
        return self._add(operator, inputs, ML_DOMAIN, None, attributes)

    def double(self, value: str) -> str:
        """Cast to double."""
        return self.add("Cast", value, to=TensorProto.DOUBLE)

    def float32(self, value: str) -> str:
        """Round to float32, and return the result as a double."""
        return self.double(self.add("Cast", value, to=TensorProto.FLOAT))

    def extract(self, value: str, columns: NDArray[np.int64]) -> str:
        """Take columns, which may repeat: shape (n, k) becomes (n, len(columns))."""
        return self.add_ml("ArrayFeatureExtractor", value, self.constant(np.asarray(columns, np.int64)))

    def join(self, values: list[str]) -> str:
        """Concatenate values of n rows by column."""
        return values[0] if len(values) == 1 else self.add("Concat", *values, axis=1)

    def finish(self, inputs: list[onnx.ValueInfoProto], result: str, output: str) -> onnx.ModelProto:
        """The model: the first column of `result` is returned as the double `output` of shape (n,)."""
        first = self.constant(np.array(0, np.int64))
        self.name_result("Gather", [result, first], output, axis=1)
        return self.model(inputs, [helper.make_tensor_value_info(output, TensorProto.DOUBLE, [None])])

    def name_result(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        """Add a node of the standard domain whose output has the given name."""
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))

    def model(self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
        """The model that has these inputs, and returns these values."""
        graph = helper.make_graph(self._nodes, "classifier", inputs, outputs, self._constants)
        return helper.make_model(graph, opset_imports=self._opsets, ir_version=self._ir_version)

    def _add(
        self, operator: str, inputs: tuple[str, ...], domain: str, prefix: str | None, attributes: dict[str, Any]
    ) -> str:
        name = self._new_name(prefix or operator.lower())
        self._nodes.append(helper.make_node(operator, list(inputs), [name], domain=domain, **attributes))
        return name

    def _new_name(self, prefix: str) -> str:
        name = ""
        while not name or name in self._taken:
            self._names += 1
            name = f"{prefix}_{self._names}"
        return name
