"""The scorer that serves: a compiled model in ONNX Runtime. Needs no scikit-learn and no pandas; reads only data."""

import os

import numpy as np
from numpy.typing import NDArray

# Since 1.29 ONNX Runtime reports each session, with a digest of its weights, to its maker, and starts a thread for
# that when it is imported: a worker forked from such a process hangs for good as it exits. It looks for this variable.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # noqa: TID251 - set, not read, and before the import below

import onnxruntime

from churn_api.contract.columns import Columns
from churn_api.scoring.scorer import in_blocks

NUMBERS = "numbers"
TEXTS = "texts"
PROBABILITY = "probability"

ROWS_AT_ONCE = 500
"""What a graph holds on its way is many times its input; of so few rows it is little, and stays near the processor."""

_ERRORS_ONLY = 3


class OnnxScorer:
    """Scores with a graph whose inputs are `numbers` and `texts`, and whose output is `probability`, shape (n,).

    A graph that declares inputs of one row is run once a row: it would give a row another last digit among others.
    """

    def __init__(self, graph: bytes) -> None:
        self._session = onnxruntime.InferenceSession(graph, _options(), providers=["CPUExecutionProvider"])
        inputs = self._session.get_inputs()
        self._inputs = [node.name for node in inputs]
        self._rows_at_once = 1 if inputs[0].shape[0] == 1 else ROWS_AT_ONCE
        # Where none are given, each run makes some.
        self._run_options = onnxruntime.RunOptions()
        # Without what the library's own `run` looks at before, each time: inputs that only we make, of one row as of
        # many, took a sixth longer for it. The version has an upper bound, and a test compares the two.
        self._run = self._session._sess.run  # noqa: SLF001

    def score(self, columns: Columns) -> NDArray[np.float64]:
        """See Scorer."""
        return in_blocks(self._score, columns, self._rows_at_once)

    def _score(self, columns: Columns) -> NDArray[np.float64]:
        blocks = {NUMBERS: columns.numbers.astype(np.float32, order="C"), TEXTS: np.ascontiguousarray(columns.texts)}
        feed = {name: blocks[name] for name in self._inputs}
        (probabilities,) = self._run([PROBABILITY], feed, self._run_options)
        return np.asarray(probabilities, dtype=np.float64)


def _options() -> onnxruntime.SessionOptions:
    """One thread: a session without a thread pool survives a fork, and workers are the parallelism."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return options
