"""Runs new bundles for the first time in a separate process with limited time and memory.

A graph may run for years or request more memory than the machine has: that must not happen in a serving process.
"""

import signal
import subprocess  # nosec B404 - a fixed command
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from churn_api.registry.bundle import BundleError, read_any_card, verify_files
from churn_api.registry.trial_process import TrialBundle, TrialResult, TrialTask

_CODE = "import sys; sys.path.insert(0, sys.argv[1]); from churn_api.registry.trial_process import main; main()"
CPU_SECONDS = 10
"""Processor time for loading a bundle and scoring a few rows."""
WALL_SECONDS = 20
START_SECONDS = 5
"""Time for the process to start. A request waits for that and one bundle; gunicorn kills a worker after 30 s."""
_TOO_LONG = (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL)

_passed: set[str] = set()
"""Card digests of bundles that passed. A card has the digests of all files, so this process need not try again."""


class Unrunnable(BundleError):
    """The bundle must not be loaded in a serving process."""


def verify(folder: Path, digest: str | None = None, max_bytes: int = 0) -> None:
    """Check in another process that a bundle can be served. Raises BundleError, Unrunnable among them."""
    (error,) = verify_each([(folder, digest)], max_bytes)
    if error is not None:
        raise error


def verify_each(bundles: Sequence[tuple[Path, str | None]], max_bytes: int = 0) -> Iterator[BundleError | None]:
    """Check bundles, and yield for each, in order, the error; None where it passes.

    `max_bytes` is the memory that a bundle may take; 0 for a limit by the size of its files.
    """
    for (_, digest), error in zip(bundles, _tried(bundles, max_bytes), strict=True):
        if digest is not None and error is None:
            _passed.add(digest)
        yield error


def _tried(bundles: Sequence[tuple[Path, str | None]], max_bytes: int) -> Iterator[BundleError | None]:
    known = frozenset(_passed)
    todo = [TrialBundle(str(folder.absolute()), digest) for folder, digest in bundles if digest not in known]
    results = _results(todo, max_bytes)
    for folder, digest in bundles:
        yield _changed(folder, digest) if digest in known else _error(next(results))


def _changed(folder: Path, digest: str | None) -> BundleError | None:
    """Check the files of a bundle that passed before."""
    try:
        verify_files(folder, read_any_card(folder, digest))
    except BundleError as error:
        return error
    return None


def _results(todo: Sequence[TrialBundle], max_bytes: int) -> Iterator[TrialResult]:
    """The result of each bundle. Where one ends the process, another process tries the rest."""
    while todo:
        lines, reason = _run(todo, max_bytes)
        for line in lines:
            yield msgspec.json.decode(line, type=TrialResult)
        if len(lines) < len(todo):
            yield TrialResult(reason, harmful=True)
        todo = todo[len(lines) + 1 :]


def _run(todo: Sequence[TrialBundle], max_bytes: int) -> tuple[list[bytes], str]:
    """Run the process; return its lines, and the reason that applies to the first bundle without a line."""
    home = str(Path(__file__).parents[2])
    try:
        done = subprocess.run(  # noqa: S603  # nosec B603
            [sys.executable, "-P", "-c", _CODE, home],
            input=msgspec.json.encode(TrialTask(list(todo), CPU_SECONDS, WALL_SECONDS, max_bytes)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=START_SECONDS + WALL_SECONDS * len(todo),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").splitlines(), _too_long()
    # Where another part of the program reaps all children, as gunicorn's arbiter does, the exit code is unknown.
    died = -done.returncode in _TOO_LONG
    return done.stdout.splitlines(), _too_long() if died else "the process that loads it ends"


def _too_long() -> str:
    return f"to load it and to score a few rows takes longer than {CPU_SECONDS} s"


def _error(result: TrialResult) -> BundleError | None:
    if not result.fault:
        return None
    return Unrunnable(result.fault) if result.harmful else BundleError(result.fault)
