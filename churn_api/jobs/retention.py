"""Retention of finished jobs: by age, and by the bytes that all jobs use."""

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from churn_api.jobs.queue import Queue

STRAY_SECONDS = 3600
"""Age above which a folder without a job cannot be an upload in progress."""


class Pruned(NamedTuple):
    """A job that is removed, or a folder without a job."""

    id: str
    bytes: int
    """Size of its folder."""
    why: Literal["stray", "age", "space"]


def prune(queue: Queue, jobs_dir: Path, *, keep_days: float, keep_bytes: int) -> Sequence[Pruned]:
    """Remove what `prunable` lists, and return it. Raises OSError, DatabaseAway."""
    pruned = prunable(queue, jobs_dir, keep_days=keep_days, keep_bytes=keep_bytes)
    remove(queue, jobs_dir, pruned)
    return pruned


def prunable(queue: Queue, jobs_dir: Path, *, keep_days: float, keep_bytes: int) -> Sequence[Pruned]:
    """List what to remove. Raises DatabaseAway.

    These are folders without a job, jobs that ended more than `keep_days` ago, then the oldest finished jobs while all
    folders together exceed `keep_bytes`. An unfinished job is never listed.
    """
    # Folders are listed before jobs: a folder that is created in between is not mistaken for a stray.
    folders = _folders(jobs_dir)
    pruned = _strays(folders, queue.ids())
    sizes = {folder.name: folder.bytes for folder in folders}
    left = sum(sizes.values()) - sum(one.bytes for one in pruned)
    oldest = datetime.now(UTC) - timedelta(days=keep_days)
    for job_id, ended in queue.finished():
        size = sizes.get(job_id, 0)
        if ended < oldest or (size and left > keep_bytes):
            pruned.append(Pruned(job_id, size, "age" if ended < oldest else "space"))
            left -= size
    return pruned


def remove(queue: Queue, jobs_dir: Path, pruned: Iterable[Pruned]) -> None:
    """Remove each folder, then its job: a folder that cannot be removed keeps its job. Raises OSError, DatabaseAway."""
    for one in pruned:
        # Another process may be removing the same folder.
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(jobs_dir / one.id)
        queue.delete(one.id)


class _Folder(NamedTuple):
    name: str
    bytes: int
    changed: float


def _strays(folders: Sequence[_Folder], known: Container[str]) -> list[Pruned]:
    oldest = time.time() - STRAY_SECONDS
    strays = (folder for folder in folders if folder.name not in known and folder.changed < oldest)
    return [Pruned(folder.name, folder.bytes, "stray") for folder in strays]


def _folders(jobs_dir: Path) -> list[_Folder]:
    """The subfolders; those that disappear while they are listed are skipped."""
    folders = []
    for path in sorted(jobs_dir.iterdir()) if jobs_dir.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode):
                folders.append(_Folder(path.name, _bytes(path), status.st_mtime))
    return folders


def _bytes(folder: Path) -> int:
    """Total size of the files in a folder and its subfolders."""
    files = (Path(below, name) for below, _, names in os.walk(folder) for name in names)
    return sum(file.lstat().st_size for file in files)
