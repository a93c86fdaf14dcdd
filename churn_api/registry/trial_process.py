"""The process that loads and runs new bundles for the first time, under limits of time and memory.

It reads a list of bundles from stdin, and writes one line for each. A bundle that ends the process, and those after it,
have no line. Started by verification.py.
"""

import resource
import signal
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from churn_api.registry.bundle import BundleError, read_any_card, verify_files
from churn_api.registry.card_kinds import AnyCard
from churn_api.registry.model import load_any_model

MIB = 1 << 20
GRAPH_BYTES, PIPELINE_BYTES = 256 * MIB, 2048 * MIB
"""Memory that a bundle may use, in addition to eight times the size of its files. Pipelines load more libraries."""

_HARMLESS = (type(None), OSError, PackageNotFoundError, msgspec.MsgspecError, UnicodeDecodeError)
"""Causes of faults that every process detects again when it loads the bundle, before it runs it."""


class TrialBundle(NamedTuple):
    """A bundle to try."""

    folder: str
    digest: str | None
    """Digest of its card, where it is known."""


class TrialTask(NamedTuple):
    """The input of the process."""

    bundles: list[TrialBundle]
    cpu_seconds: int
    """Processor time for loading a bundle and scoring the trial rows."""
    wall_seconds: int
    max_bytes: int = 0
    """Memory that each bundle may use; 0 for a limit by the size of its files."""


class TrialResult(msgspec.Struct):
    """The result for one bundle."""

    fault: str = ""
    """Why the bundle cannot be served; empty where it can."""
    harmful: bool = False
    """Whether loading the bundle may harm a process, or may not reveal the fault."""


def main() -> None:
    """Try the bundles from stdin, one after another."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=TrialTask)
    for bundle in task.bundles:
        result = try_bundle(Path(bundle.folder), bundle.digest, task)
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.flush()


def try_bundle(folder: Path, digest: str | None, task: TrialTask) -> TrialResult:
    """Load a bundle and score with it, under limits; exceeding them ends this process."""
    try:
        card = read_any_card(folder, digest)
        verify_files(folder, card)
        _limit(card, sum(file.stat().st_size for file in folder.iterdir()), task)
        model = load_any_model(folder, digest)
    except BundleError as error:
        return TrialResult(_with_memory(error), harmful=not isinstance(error.__cause__, _HARMLESS))
    error_in_reasons = model.reasons.error
    if error_in_reasons is not None and not isinstance(error_in_reasons.__cause__, _HARMLESS):
        # Without the limits of this process, a graph that cannot be run here might run.
        return TrialResult(_with_memory(error_in_reasons), harmful=True)
    try:
        model.try_out()
    except BundleError as error:
        return TrialResult(_with_memory(error), harmful=True)
    return TrialResult()


def _limit(card: AnyCard, size: int, task: TrialTask) -> None:
    """Limit what this process may use in addition to what it has used so far."""
    # Imports of the scorer do not count against the bundle.
    if card.scorer == "sklearn":
        import churn_api.scoring.sklearn
    else:
        import churn_api.scoring.onnx  # noqa: F401
    process = psutil.Process()
    used = process.cpu_times()
    allowed = task.max_bytes or (PIPELINE_BYTES if card.scorer == "sklearn" else GRAPH_BYTES) + 8 * size
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_CPU, int(used.user + used.system) + 1 + task.cpu_seconds)
    _set(resource.RLIMIT_AS, process.memory_info().vms + allowed)
    signal.alarm(task.wall_seconds)


def _set(limit: int, value: int) -> None:
    """Set a soft limit; a lower hard limit takes precedence."""
    _, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _with_memory(error: Exception) -> str:
    """The text of the fault; it names memory where that was exhausted."""
    cause = error.__cause__
    if isinstance(cause, MemoryError) or "alloc" in str(cause).lower():
        return f"{error}: it needs more memory than is allowed"
    return str(error)
