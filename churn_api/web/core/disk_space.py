"""The disks that answers depend on: how much room each has, and which of them a failed write was on."""

import errno
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from churn_api.services import Services

FULL_BYTES = 1 << 20
"""DiskSpace that is none: what is written is a block at a time at the least."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class DiskSpace(NamedTuple):
    """What a disk has: bytes, and files; of a system that counts no files, none in total."""

    free_bytes: int
    total_bytes: int
    free_files: int
    total_files: int

    def has_less_than(self, share: float) -> bool:
        """Whether less than a share of either is left."""
        few_files = self.total_files > 0 and self.free_files < share * self.total_files
        return few_files or self.free_bytes < share * self.total_bytes

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be written."""
        return self.free_bytes < FULL_BYTES or (self.total_files > 0 and self.free_files == 0)


def data_folders(services: Services) -> dict[str, Path]:
    """Where this process writes, by the names that answers have for it; a folder comes with its first file."""
    named = {"instance": services.instance, "models": services.models_dir, "jobs": services.jobs_dir}
    with suppress(FileNotFoundError):  # where no folder of temporary files can be written
        named["temporary"] = Path(tempfile.gettempdir())
    return {name: folder for name, folder in named.items() if folder.is_dir()}


def disk_space(folder: Path) -> DiskSpace:
    """What the disk of a folder has for this process."""
    found = os.statvfs(folder)
    free = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    return DiskSpace(free * found.f_frsize, found.f_blocks * found.f_frsize, found.f_favail, found.f_files)


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed because a disk, or what may be had of it, is full."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def full_folder_of(services: Services, error: OSError) -> str:
    """Which part is full: the one that the file is in that was to be written, else those whose disks are full."""
    named = data_folders(services)
    return _part_of(named, error) or ", ".join(_full(named)) or "disk"


def full_folders(services: Services) -> list[str]:
    """The parts whose disks are full."""
    return _full(data_folders(services))


def _part_of(named: Mapping[str, Path], error: OSError) -> str | None:
    if not isinstance(error.filename, str):
        return None
    path = Path(error.filename)
    # The longest first: the jobs are in the instance folder where nothing else is said.
    by_depth = sorted(named, key=lambda name: len(named[name].parts), reverse=True)
    return next((name for name in by_depth if path.is_relative_to(named[name])), None)


def _full(named: Mapping[str, Path]) -> list[str]:
    return [name for name, folder in named.items() if disk_space(folder).is_full]
