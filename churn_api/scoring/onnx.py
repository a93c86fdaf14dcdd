"""The default scorer: a compiled model in ONNX Runtime. Needs neither scikit-learn nor pandas; loads no pickle."""

import os

import numpy as np
from numpy.typing import NDArray

# Since 1.29 ONNX Runtime reports each session, with a digest of its weights, to Microsoft, from a thread that it starts
# at import: a worker forked from such a process hangs forever when it exits. This variable turns telemetry off.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # noqa: TID251 - set, not read, and before the import below

import onnxruntime

from churn_api.contract.columns import Columns
from churn_api.scoring.scorer import in_blocks

NUMBERS = "numbers"
TEXTS = "texts"
PROBABILITY = "probability"

ROWS_AT_ONCE = 500
"""Rows per run. A graph's intermediate tensors are many times its input; for so few rows they fit the CPU's cache."""

_ERRORS_ONLY = 3


class OnnxScorer:
    """Scores with a graph whose inputs are `numbers` and `texts`, and whose output is `probability`, shape (n,).

    A graph that declares inputs of one row runs once per row: in a batch, the last digit of a probability could differ.
    """

    def __init__(self, graph: bytes) -> None:
        self._session = onnxruntime.InferenceSession(graph, _options(), providers=["CPUExecutionProvider"])
        inputs = self._session.get_inputs()
        self._inputs = [node.name for node in inputs]
        # Graphs that compute in float32 have numbers of that type.
        self._precision = np.float32 if any(node.type == "tensor(float)" for node in inputs) else np.float64
        self._rows_at_once = 1 if inputs[0].shape[0] == 1 else ROWS_AT_ONCE
        # Without this argument each run creates its own options.
        self._run_options = onnxruntime.RunOptions()
        # Bypasses the input checks of InferenceSession.run, a sixth of the time: this module makes all inputs.
        # The version of ONNX Runtime has an upper bound, and a test compares both ways.
        self._run = self._session._sess.run  # noqa: SLF001

    def score(self, columns: Columns) -> NDArray[np.float64]:
        """See Scorer."""
        return in_blocks(self._score, columns, self._rows_at_once)

    def _score(self, columns: Columns) -> NDArray[np.float64]:
        numbers = columns.numbers.astype(self._precision, order="C", copy=False)
        blocks = {NUMBERS: numbers, TEXTS: np.ascontiguousarray(columns.texts)}
        feed = {name: blocks[name] for name in self._inputs}
        (probabilities,) = self._run([PROBABILITY], feed, self._run_options)
        return np.asarray(probabilities, dtype=np.float64)


def _options() -> onnxruntime.SessionOptions:
    """One thread: a session without a thread pool survives a fork, and worker processes provide parallelism."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return options
