"""A graph of a tensor model in ONNX Runtime: runs with any inputs, within a bound on memory and on time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.scoring.onnx import bounded_session, new_run_options
from churn_api.scoring.run_errors import RunFailed, RunTooLong
from churn_api.scoring.tensor_spec import Tensors

MAX_BYTES = 1 << 30
"""Memory that the runs of a process may take together."""
MAX_SECONDS = 10.0
"""Time that one run may take. It ends at the next operator, so one operator may take longer."""


class TensorNode(NamedTuple):
    """An input or output as ONNX Runtime describes it."""

    name: str
    type: str
    shape: list[Any]


class TensorGraph:
    """A graph in memory."""

    def __init__(self, graph: bytes) -> None:
        self._session = bounded_session(graph, MAX_BYTES)

    @property
    def inputs(self) -> list[TensorNode]:
        """What it takes."""
        return [TensorNode(node.name, node.type, list(node.shape)) for node in self._session.get_inputs()]

    @property
    def outputs(self) -> list[TensorNode]:
        """What it returns."""
        return [TensorNode(node.name, node.type, list(node.shape)) for node in self._session.get_outputs()]

    def run(self, outputs: Sequence[str], tensors: Tensors, seconds: float = MAX_SECONDS) -> list[NDArray[Any]]:
        """These outputs. Raises RunFailed."""
        options = new_run_options()
        with _terminating(options, seconds) as ended:
            try:
                arrays = self._session.run(list(outputs), dict(tensors), options)
            except Exception as error:  # ONNX Runtime's own errors share no base class
                if ended():
                    raise RunTooLong(f"the model computes longer than {seconds:g} s") from error
                raise RunFailed(f"the model cannot compute with these inputs ({type(error).__name__})") from error
        return [np.asarray(array) for array in arrays]


@contextmanager
def _terminating(options: Any, seconds: float) -> Iterator[Any]:
    """End the run in the block after so many seconds; yields a function that says whether that happened."""

    def end() -> None:
        options.terminate = True

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield lambda: options.terminate
    finally:
        timer.cancel()
