"""Folders for the files of one request, which are gone with it, also where its process was killed.

Each is locked by the process that made it, and a lock ends with its process: what can be locked is nobody's any more.
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
    """A folder below TMPDIR for a block of code. Raises OSError."""
    made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}"))
    # It gets the name that is looked for when it is locked.
    folder = made.with_name(made.name.removeprefix("."))
    lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made.rename(folder)
        yield folder
    finally:
        shutil.rmtree(folder if folder.exists() else made, ignore_errors=True)
        os.close(lock)


def sweep_scratch() -> int:
    """Remove the folders of processes that are gone, and tell how many. What cannot be removed is left."""
    swept = 0
    with suppress(OSError):
        for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            swept += _sweep(path)
    return swept


def _sweep(folder: Path) -> bool:
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # another's, or gone
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
