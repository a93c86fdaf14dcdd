"""What every graph of reasons has, however it computes them: its outputs, and how it is run."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from churn_api.contract.columns import Columns
from churn_api.scoring.explanation import Scale
from churn_api.scoring.onnx import CONTRIBUTIONS, OnnxGraph
from churn_api.training.graphs.graph_writer import GraphWriter

ROWS_AT_ONCE = 500
MAX_BYTES = 16 << 20
"""The largest graph of reasons: a worker has it in memory."""


class Background(NamedTuple):
    """The rows that a prediction is compared with."""

    columns: Columns
    weights: NDArray[np.float64]
    """Shape (n,); they add up to 1."""

    @classmethod
    def of(cls, columns: Columns, weights: NDArray[np.float64] | None = None) -> "Background":
        """Rows with these weights (by default all alike), of which only the ratio counts."""
        each = np.ones(columns.rows) if weights is None else np.asarray(weights, np.float64)
        return cls(columns, each / each.sum())

    def some(self, rows: int) -> "Background":
        """At most so many of the rows, evenly spaced."""
        if self.columns.rows <= rows:
            return self
        chosen = np.linspace(0, self.columns.rows - 1, rows).astype(np.intp)
        return Background.of(self.columns.take(chosen), self.weights[chosen])


class ReasonsGraph(NamedTuple):
    """A graph with the outputs `probability` (n,) and `contributions` (n, features), on `scale`."""

    graph: bytes
    scale: Scale
    base: float
    """What the contributions are added to: the mean of the background."""
    background_rows: int
    walks: int | None = None
    """For an estimate, how many orders of the features it is the mean of."""


def finished(writer: GraphWriter, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> bytes:
    """The graph of a model with these outputs and contributions, serialized."""
    contributions = helper.make_tensor_value_info(CONTRIBUTIONS, TensorProto.DOUBLE, [None, None])
    graph = writer.model(inputs, [*outputs, contributions])
    onnx.checker.check_model(graph)
    return bytes(graph.SerializeToString())


def intermediate(writer: GraphWriter, model: onnx.ModelProto, name: str, kind: int) -> OnnxGraph:
    """A graph that returns another value of a model, as far as it is written."""
    output = helper.make_tensor_value_info(name, kind, [None, None])
    return OnnxGraph(writer.model(list(model.graph.input), [output]).SerializeToString())


def run_in_blocks(graph: OnnxGraph, background: Background) -> Iterator[tuple[NDArray[Any], NDArray[np.float64]]]:
    """What a graph of one output returns for the background, some rows at a time, with the weights of these rows."""
    blocks = background.columns.blocks(ROWS_AT_ONCE)
    for index, block in enumerate(blocks):
        (result,) = graph.run(graph.outputs, block)
        yield result, background.weights[index * ROWS_AT_ONCE :][: block.rows]
