"""Temporary folders of requests, which are removed even where the process was killed.

The process that creates a folder holds a lock (flock) on it, which ends with the process: a folder that another process
can lock has no owner any more.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "churn-api-scratch-"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Create a folder in TMPDIR for a `with` block. Raises OSError."""
    unlocked = Path(tempfile.mkdtemp(prefix=f".{PREFIX}"))
    # `sweep_scratch` finds the folder only after this rename, when it is locked.
    folder = unlocked.with_name(unlocked.name.removeprefix("."))
    lock = os.open(unlocked, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        unlocked.rename(folder)
        yield folder
    finally:
        shutil.rmtree(folder if folder.exists() else unlocked, ignore_errors=True)
        os.close(lock)


def sweep_scratch() -> int:
    """Remove the folders of processes that no longer exist; returns their number. Ignores what cannot be removed."""
    swept = 0
    with suppress(OSError):
        for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            swept += _sweep(path)
    return swept


def _sweep(folder: Path) -> bool:
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # of another user, or removed
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
