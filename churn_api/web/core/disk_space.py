"""Free space on the disks that the service writes to, and which of them a failed write was on."""

import errno
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from churn_api.services import Services

FULL_BYTES = 1 << 20
"""A disk with less free space counts as full: writes are at least one block long."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class DiskSpace(NamedTuple):
    """Bytes and files of a disk, free and in total; `total_files` is 0 where the file system does not count files."""

    free_bytes: int
    total_bytes: int
    free_files: int
    total_files: int

    def has_less_than(self, share: float) -> bool:
        """Whether less than this share (0 to 1) of the bytes or of the files is free."""
        few_files = self.total_files > 0 and self.free_files < share * self.total_files
        return few_files or self.free_bytes < share * self.total_bytes

    @property
    def is_full(self) -> bool:
        """Whether nothing can be written."""
        return self.free_bytes < FULL_BYTES or (self.total_files > 0 and self.free_files == 0)


def data_folders(services: Services) -> dict[str, Path]:
    """The existing folders that this process writes to, by the names that responses use."""
    named = {"instance": services.instance, "models": services.models_dir, "jobs": services.jobs.folder}
    with suppress(FileNotFoundError):  # no temporary folder is writable
        named["temporary"] = Path(tempfile.gettempdir())
    return {name: folder for name, folder in named.items() if folder.is_dir()}


def disk_space(folder: Path) -> DiskSpace:
    """The space of the disk that a folder is on, as far as this process may use it."""
    stats = os.statvfs(folder)
    free = stats.f_bfree if os.geteuid() == 0 else stats.f_bavail
    return DiskSpace(free * stats.f_frsize, stats.f_blocks * stats.f_frsize, stats.f_favail, stats.f_files)


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed because a disk, or a quota on it, is full."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def full_folder_of(services: Services, error: OSError) -> str:
    """The name of the folder that a failed write was in, else of the folders whose disks are full."""
    named = data_folders(services)
    return _folder_of(named, error) or ", ".join(_full(named)) or "disk"


def full_folders(services: Services) -> list[str]:
    """The names of the folders whose disks are full."""
    return _full(data_folders(services))


def _folder_of(named: Mapping[str, Path], error: OSError) -> str | None:
    if not isinstance(error.filename, str):
        return None
    path = Path(error.filename)
    # The deepest first: by default the jobs folder is inside the instance folder.
    by_depth = sorted(named, key=lambda name: len(named[name].parts), reverse=True)
    return next((name for name in by_depth if path.is_relative_to(named[name])), None)


def _full(named: Mapping[str, Path]) -> list[str]:
    return [name for name, folder in named.items() if disk_space(folder).is_full]
