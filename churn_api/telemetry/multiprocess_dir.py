"""Where processes that belong together keep their metrics: a folder for each group, found anew at each start.

prometheus_client decides when it is imported whether values live in files, so nothing here imports it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_api.config import METRICS_GROUP, SHARED_MEMORY, StartError, metrics_group

HELD = "held"
_LOCK = "lock"

_holding: dict[Path, tuple[int, int]] = {}
"""What this process belongs to, and since which process; the open descriptor keeps the folder from being swept."""


def begin(metrics_dir: Path) -> Path:
    """A new group, which this process and those that it starts belong to; asked again, the same one.

    What groups left behind that are gone is removed. Whether one is gone is told by a lock, which the system takes back
    from whoever dies: process ids come again, and containers that share a folder see none of each other's.
    Raises StartError where the folder is another user's, or cannot be written to.
    """
    for folder, (pid, _) in _holding.items():
        if pid == os.getpid():
            return folder
    try:
        _make_own(metrics_dir)
        with _alone(metrics_dir):
            _sweep(metrics_dir)
            folder = Path(tempfile.mkdtemp(prefix="group-", dir=metrics_dir)).resolve()
            _hold(folder)
    except OSError as error:
        reason = f"the metrics folder {metrics_dir} cannot be written to ({error.strerror})"
        raise StartError(f"{reason}: set CHURN_METRICS_DIR to one that can") from error
    os.environ[METRICS_GROUP] = str(folder)  # noqa: TID251 - set, not read
    return folder


def _make_own(metrics_dir: Path) -> None:
    """Make the folder. Where anybody may make one, as in shared memory, somebody else may have been there first."""
    metrics_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if metrics_dir.parent == SHARED_MEMORY and (metrics_dir.is_symlink() or metrics_dir.stat().st_uid != os.getuid()):
        raise StartError(f"{metrics_dir} is another user's: set CHURN_METRICS_DIR to a folder of your own")


def join() -> Path | None:
    """The group of whoever started this process; None where there is none."""
    folder = metrics_group()
    if folder is None or not (folder / HELD).exists():
        return None
    _hold(folder)
    return folder


def is_own(folder: Path) -> bool:
    """Whether a folder was made here, rather than by an application that this one is mounted in."""
    return (folder / HELD).exists()


def _hold(folder: Path) -> None:
    # Open for as long as the process lives; a file object would complain of that at its end.
    descriptor = os.open(folder / HELD, os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    _holding[folder] = (os.getpid(), descriptor)


def _sweep(metrics_dir: Path) -> None:
    for folder in metrics_dir.glob("group-*"):
        if _is_gone(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_gone(folder: Path) -> bool:
    try:
        with (folder / HELD).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return not folder.exists()
    return True


@contextmanager
def _alone(metrics_dir: Path) -> Iterator[None]:
    """One start at a time: a folder is not swept between being made and being held."""
    with (metrics_dir / _LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
