"""The process in which bundles are loaded and run for the first time: it limits its own time and memory.

Reads a list of bundles from its input, and writes a line for each; for one that ends it, and those after it, there is
none. Started by verification.py.
"""

import resource
import signal
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import psutil

from churn_api.contract.columns import ColumnsBuilder
from churn_api.contract.example import example_value
from churn_api.registry.bundle import BundleError, read_card, verify_files
from churn_api.registry.card import Card
from churn_api.registry.model import Model, load_model

MIB = 1 << 20
GRAPH_BYTES, PIPELINE_BYTES = 256 * MIB, 2048 * MIB
"""Memory that a bundle may take, besides eight times its files; the libraries of a pipeline come with their own."""

ROWS = 500
"""As many as a worker has scored at once."""

_HARMLESS = (type(None), OSError, PackageNotFoundError, msgspec.MsgspecError, UnicodeDecodeError)
"""What a fault has come from that is found again wherever the bundle is loaded, before it runs."""


class Bundle(NamedTuple):
    """A bundle to be tried."""

    folder: str
    digest: str | None
    """Of its card, where it is known."""


class TrialTask(NamedTuple):
    """What the process is asked for."""

    bundles: list[Bundle]
    cpu_seconds: int
    """Of processor time, for loading a bundle and scoring what it is tried with."""
    wall_seconds: int


class TrialResult(msgspec.Struct):
    """What came of it."""

    fault: str = ""
    """Why it may not answer; empty where it may."""
    harmful: bool = False
    """Whether a process that loads it might come to harm, or not find the fault."""


def main() -> None:
    """Try the bundles of the input, one after another."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=TrialTask)
    for bundle in task.bundles:
        result = try_bundle(Path(bundle.folder), bundle.digest, task)
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.flush()


def try_bundle(folder: Path, digest: str | None, task: TrialTask) -> TrialResult:
    """Load a bundle and score with it, under limits; one that passes them ends this process."""
    try:
        card = read_card(folder, digest)
        verify_files(folder, card)
        _limit(card, sum(file.stat().st_size for file in folder.iterdir()), task)
        model = load_model(folder, digest)
    except BundleError as error:
        return TrialResult(_with_memory(error), harmful=not isinstance(error.__cause__, _HARMLESS))
    try:
        _score_examples(model)
    except BundleError as error:
        return TrialResult(_with_memory(error), harmful=True)
    return TrialResult()


def _limit(card: Card, size: int, task: TrialTask) -> None:
    """Limit this process, counted from what it has used by now."""
    # What a scorer imports is not the bundle's doing.
    if card.scorer == "sklearn":
        import churn_api.scoring.sklearn
    else:
        import churn_api.scoring.onnx  # noqa: F401
    process = psutil.Process()
    used = process.cpu_times()
    allowed = (PIPELINE_BYTES if card.scorer == "sklearn" else GRAPH_BYTES) + 8 * size
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_CPU, int(used.user + used.system) + 1 + task.cpu_seconds)
    _set(resource.RLIMIT_AS, process.memory_info().vms + allowed)
    signal.alarm(task.wall_seconds)


def _set(limit: int, value: int) -> None:
    """Where the limit above it is lower, that one holds."""
    _, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _score_examples(model: Model) -> None:
    """Score a customer alone and among many. Raises BundleError where that gives no probabilities."""
    row = tuple(map(example_value, model.card.signature.features))
    for rows in (1, ROWS):
        columns = ColumnsBuilder(model.card.signature).build_from_rows([row] * rows)
        try:
            scored = model.score(columns)
        except Exception as error:  # ONNX Runtime's own errors share no base class
            raise BundleError(f"an example record cannot be scored ({type(error).__name__})") from error
        if scored.shape != (rows,) or not np.all((scored >= 0) & (scored <= 1)):
            raise BundleError("an example record gets no probability")


def _with_memory(error: Exception) -> str:
    """The fault, in plain words where memory was what it lacked."""
    cause = error.__cause__
    if isinstance(cause, MemoryError) or "alloc" in str(cause).lower():
        return f"{error}: it needs more memory than is allowed"
    return str(error)
