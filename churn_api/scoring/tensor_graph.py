"""A graph of a tensor model in ONNX Runtime: runs with any inputs, within a bound on memory."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.scoring.onnx import bounded_session, limited_options, new_run_options
from churn_api.scoring.run_errors import RunFailed
from churn_api.scoring.tensor_spec import Tensors

MAX_BYTES = 1 << 30
"""Memory that the runs of a process may take together."""


class TensorNode(NamedTuple):
    """An input or output as ONNX Runtime describes it."""

    name: str
    type: str
    shape: list[Any]


class TensorGraph:
    """A graph in memory."""

    def __init__(self, graph: bytes) -> None:
        self._session = bounded_session(graph, MAX_BYTES)
        self._run_options = new_run_options()

    @property
    def inputs(self) -> list[TensorNode]:
        """What it takes."""
        return [TensorNode(node.name, node.type, list(node.shape)) for node in self._session.get_inputs()]

    @property
    def outputs(self) -> list[TensorNode]:
        """What it returns."""
        return [TensorNode(node.name, node.type, list(node.shape)) for node in self._session.get_outputs()]

    def run(self, outputs: Sequence[str], tensors: Tensors) -> list[NDArray[Any]]:
        """These outputs. Raises RunFailed."""
        options = limited_options.get() or self._run_options
        try:
            arrays = self._session.run(list(outputs), dict(tensors), options)
        except Exception as error:  # ONNX Runtime's own errors share no base class
            raise RunFailed(f"the model cannot compute with these inputs ({type(error).__name__})") from error
        return [np.asarray(array) for array in arrays]
