"""The folder for the metric files of a group of processes: a new one at each start.

prometheus_client decides when it is imported whether values live in files, so nothing here imports it.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_api.config import METRICS_GROUP, StartError, metrics_group
from churn_api.state_paths import SHARED_MEMORY

HELD = "held"
_LOCK = "lock"

_holding: dict[Path, tuple[int, int]] = {}
"""The groups of this process, with the pid that joined and the open descriptor, whose lock protects the folder."""


def begin(metrics_dir: Path) -> Path:
    """Create a group for this process and its children; repeated calls return the same one.

    Folders of ended groups are removed. A lock shows whether a group has ended, because the kernel releases it: process
    ids are reused, and containers that share a folder do not see each other's.
    Raises StartError where the folder belongs to another user, or cannot be written to.
    """
    for folder, (pid, _) in _holding.items():
        if pid == os.getpid():
            return folder
    try:
        _create_own(metrics_dir)
        with _alone(metrics_dir):
            _sweep(metrics_dir)
            folder = Path(tempfile.mkdtemp(prefix="group-", dir=metrics_dir)).resolve()
            _hold(folder)
    except OSError as error:
        reason = f"the metrics folder {metrics_dir} cannot be written to ({error.strerror})"
        raise StartError(f"{reason}: set CHURN_METRICS_DIR to one that can") from error
    os.environ[METRICS_GROUP] = str(folder)  # noqa: TID251 - set, not read
    return folder


def _create_own(metrics_dir: Path) -> None:
    """Create the folder. In shared memory any user may have created it: raise StartError where it is not ours."""
    metrics_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if metrics_dir.parent == SHARED_MEMORY and (metrics_dir.is_symlink() or metrics_dir.stat().st_uid != os.getuid()):
        raise StartError(f"{metrics_dir} is another user's: set CHURN_METRICS_DIR to a folder of your own")


def join() -> Path | None:
    """Join the group of the parent process; None where there is none."""
    folder = metrics_group()
    if folder is None or not (folder / HELD).exists():
        return None
    _hold(folder)
    return folder


def is_own(folder: Path) -> bool:
    """Whether this program created the folder, rather than an application that it is mounted in."""
    return (folder / HELD).exists()


def _hold(folder: Path) -> None:
    # Stays open until the process ends; a file object would raise a ResourceWarning then.
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
    """Lock out other starts, so that none sweeps a folder between its creation and its lock."""
    with (metrics_dir / _LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
