"""Bundles are loaded and run for the first time in a process of their own, whose time and memory are limited.

A graph is data, and may still run for years or ask for more memory than there is: no process that serves finds out.
"""

import signal
import subprocess  # nosec B404 - a fixed command
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from churn_api.registry.bundle import BundleError, read_card, verify_files
from churn_api.registry.trial import Bundle, TrialResult, TrialTask

_CODE = "import sys; sys.path.insert(0, sys.argv[1]); from churn_api.registry.trial import main; main()"
CPU_SECONDS = 10
"""Of processor time, for loading a bundle and scoring a few rows."""
WALL_SECONDS = 20
START_SECONDS = 5
"""For the process to start. A request waits for that and one bundle: gunicorn kills workers that are busy for 30 s."""
_TOO_LONG = (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL)

_passed: set[str] = set()
"""Digests of cards of bundles that were tried, which vouch for all of their files: once is enough for a process."""


class Unrunnable(BundleError):
    """A bundle that must not be loaded where anything else is done."""


def verify(folder: Path, digest: str | None = None) -> None:
    """See in another process whether a bundle may answer. Raises BundleError with the reason; Unrunnable is one."""
    (error,) = verify_each([(folder, digest)])
    if error is not None:
        raise error


def verify_each(bundles: Sequence[tuple[Path, str | None]]) -> Iterator[BundleError | None]:
    """What is wrong with each of some bundles, in their order; None where nothing is."""
    for (_, digest), error in zip(bundles, _tried(bundles), strict=True):
        if digest is not None and error is None:
            _passed.add(digest)
        yield error


def _tried(bundles: Sequence[tuple[Path, str | None]]) -> Iterator[BundleError | None]:
    known = frozenset(_passed)
    results = _results([Bundle(str(folder.absolute()), digest) for folder, digest in bundles if digest not in known])
    for folder, digest in bundles:
        yield _changed(folder, digest) if digest in known else _error(next(results))


def _changed(folder: Path, digest: str | None) -> BundleError | None:
    """What is wrong with the files of a bundle that was tried before."""
    try:
        verify_files(folder, read_card(folder, digest))
    except BundleError as error:
        return error
    return None


def _results(todo: Sequence[Bundle]) -> Iterator[TrialResult]:
    """The result of each bundle. One that ends the process is followed by another process, for the rest."""
    while todo:
        lines, reason = _run(todo)
        for line in lines:
            yield msgspec.json.decode(line, type=TrialResult)
        if len(lines) < len(todo):
            yield TrialResult(reason, harmful=True)
        todo = todo[len(lines) + 1 :]


def _run(todo: Sequence[Bundle]) -> tuple[list[bytes], str]:
    """The lines of a process that tries bundles, and what it means that there is none for one of them."""
    home = str(Path(__file__).parents[2])
    try:
        done = subprocess.run(  # noqa: S603  # nosec B603
            [sys.executable, "-P", "-c", _CODE, home],
            input=msgspec.json.encode(TrialTask(list(todo), CPU_SECONDS, WALL_SECONDS)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=START_SECONDS + WALL_SECONDS * len(todo),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").splitlines(), _too_long()
    # Where another part of the program reaps every child, as gunicorn's arbiter does, the code is not known.
    died = -done.returncode in _TOO_LONG
    return done.stdout.splitlines(), _too_long() if died else "the process that loads it ends"


def _too_long() -> str:
    return f"to load it and to score a few rows takes longer than {CPU_SECONDS} s"


def _error(result: TrialResult) -> BundleError | None:
    if not result.fault:
        return None
    return Unrunnable(result.fault) if result.harmful else BundleError(result.fault)
