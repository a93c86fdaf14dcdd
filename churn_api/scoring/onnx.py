"""The scorer that serves: a compiled model in ONNX Runtime. Needs no scikit-learn and no pandas; reads only data."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from churn_api.contract.columns import Columns

NUMBERS = "numbers"
TEXTS = "texts"
PROBABILITY = "probability"

_ERRORS_ONLY = 3


class OnnxScorer:
    """Scores with a graph whose inputs are `numbers` and `texts`, and whose output is `probability`, shape (n,)."""

    def __init__(self, graph: bytes) -> None:
        self._session = onnxruntime.InferenceSession(graph, _options(), providers=["CPUExecutionProvider"])
        self._inputs = [node.name for node in self._session.get_inputs()]

    def score(self, columns: Columns) -> NDArray[np.float64]:
        """See Scorer."""
        blocks = {NUMBERS: columns.numbers, TEXTS: columns.texts}
        feed = {name: blocks[name] for name in self._inputs}
        (probabilities,) = self._session.run([PROBABILITY], feed)
        return np.asarray(probabilities, dtype=np.float64)


def _options() -> onnxruntime.SessionOptions:
    """One thread: a session without a thread pool survives a fork, and workers are the parallelism."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return options
