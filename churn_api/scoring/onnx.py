"""The default scorer: a compiled model in ONNX Runtime. Needs neither scikit-learn nor pandas; loads no pickle."""

import os
from contextvars import ContextVar
from functools import cache
from typing import Any

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
CONTRIBUTIONS = "contributions"

ROWS_AT_ONCE = 500
"""Rows per run. A graph's intermediate tensors are many times its input; for so few rows they fit the CPU's cache."""

ROWS_EXPLAINED_AT_ONCE = 64
"""Rows per run of a graph with contributions, whose intermediate tensors are larger."""

limited_options: ContextVar[Any] = ContextVar("limited_options", default=None)
"""The options of all runs of this context, where run_limit.py bounds their time."""

_ERRORS_ONLY, _SILENT = 3, 4
_PROVIDERS = ["CPUExecutionProvider"]
_PROBABILITY = [PROBABILITY]
_EXPLAINED = [PROBABILITY, CONTRIBUTIONS]


class OnnxGraph:
    """A graph whose inputs are `numbers` and `texts`, in memory."""

    def __init__(self, graph: bytes) -> None:
        self._session = onnxruntime.InferenceSession(graph, _options(), providers=_PROVIDERS)
        inputs = self._session.get_inputs()
        self._inputs = [node.name for node in inputs]
        # Graphs that compute in float32 have numbers of that type.
        self._precision = np.float32 if any(node.type == "tensor(float)" for node in inputs) else np.float64
        self.one_row = inputs[0].shape[0] == 1
        """Whether it declares inputs of one row: in a batch, the last digit of a result could differ."""
        # Without this argument each run creates its own options.
        self._run_options = onnxruntime.RunOptions()
        # Bypasses the input checks of InferenceSession.run, a sixth of the time: this module makes all inputs.
        # The version of ONNX Runtime has an upper bound, and a test compares both ways.
        self._run = self._session._sess.run  # noqa: SLF001

    @property
    def outputs(self) -> list[str]:
        """The names of its outputs."""
        return [node.name for node in self._session.get_outputs()]

    def run(self, outputs: list[str], columns: Columns) -> list[Any]:
        """These outputs as arrays, for all rows at once."""
        numbers = columns.numbers.astype(self._precision, order="C", copy=False)
        blocks = {NUMBERS: numbers, TEXTS: np.ascontiguousarray(columns.texts)}
        feed = {name: blocks[name] for name in self._inputs}
        arrays: list[Any] = self._run(outputs, feed, limited_options.get() or self._run_options)
        return arrays


class OnnxScorer(OnnxGraph):
    """Scores with a graph whose output is `probability`, shape (n,). A graph of one row runs once for each row."""

    def __init__(self, graph: bytes) -> None:
        super().__init__(graph)
        self._rows_at_once = 1 if self.one_row else ROWS_AT_ONCE

    def score(self, columns: Columns) -> NDArray[np.float64]:
        """See Scorer."""
        return in_blocks(self._score, columns, self._rows_at_once)

    def _score(self, columns: Columns) -> NDArray[np.float64]:
        (probabilities,) = self.run(_PROBABILITY, columns)
        return np.asarray(probabilities, dtype=np.float64)


class OnnxExplainer(OnnxGraph):
    """Computes contributions, with a graph that returns them with the probability."""

    def __init__(self, graph: bytes) -> None:
        super().__init__(graph)
        self._rows_at_once = 1 if self.one_row else ROWS_EXPLAINED_AT_ONCE

    def explain(self, columns: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities (n,) and contributions (n, features); n is at least 1."""
        if columns.rows <= self._rows_at_once:
            probabilities, contributions = self.run(_EXPLAINED, columns)
            return probabilities, contributions
        blocks = [self.run(_EXPLAINED, block) for block in columns.blocks(self._rows_at_once)]
        return np.concatenate([block[0] for block in blocks]), np.concatenate([block[1] for block in blocks])


def bounded_session(graph: bytes, max_bytes: int) -> onnxruntime.InferenceSession:
    """A session for a graph of a stranger's: a run that needs more memory raises an error instead of taking it.

    All such sessions of a process share the memory of the first one's bound. Raises ONNX Runtime's errors.
    """
    _share_memory(max_bytes)
    options = _options()
    options.add_session_config_entry("session.use_env_allocators", "1")
    return onnxruntime.InferenceSession(graph, options, providers=_PROVIDERS)


def new_run_options() -> onnxruntime.RunOptions:
    """The options of one run, whose attribute `terminate` ends it."""
    options = onnxruntime.RunOptions()
    options.log_severity_level = _SILENT
    return options


@cache
def _share_memory(max_bytes: int) -> None:
    """Create the memory that bounded sessions share; ONNX Runtime allows it once per process."""
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(max_bytes, -1, -1, -1))


def _options() -> onnxruntime.SessionOptions:
    """One thread: a session without a thread pool survives a fork, and worker processes provide parallelism."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return options
