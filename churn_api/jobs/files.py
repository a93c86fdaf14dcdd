"""A job's folder: the input, the finished parts, the result.

All writes are atomic, and a part has the same bytes whichever worker writes it: two workers that run the same job,
each believing the other dead, do no harm.
"""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from churn_api.registry.bundle import flush_folder

UNFINISHED = ".unfinished"
RESERVED_BYTES = 512 * 1024
"""Disk space that the worker reserves: freed, it lets the database record the failure when the disk is full."""


class JobFiles:
    """The folder of one job below the jobs folder, which all workers and web processes share.

    `part_suffix` is the suffix of the parts' names, by which readers of a data set recognize the format.
    """

    def __init__(self, jobs_dir: Path, job: str, part_suffix: str = "") -> None:
        self.folder = jobs_dir / job
        self.input = self.folder / "input"
        self.work = self.folder / "work"
        """Where an input is decompressed, in one subfolder for each lease."""
        self.result = self.folder / "result"
        self.errors = self.folder / "errors.ndjson"
        self.parts_folder = self.folder / "parts"
        self._errors = self.folder / "part-errors"
        self._part_suffix = part_suffix

    def begin(self) -> None:
        """Create the folders."""
        for folder in (self.work, self.parts_folder, self._errors):
            folder.mkdir(parents=True, exist_ok=True)

    def work_of(self, token: int) -> Path:
        """Create the folder that only the worker with this fencing token writes to. Raises OSError.

        Folders of older leases are removed. Their workers may still read there, so no lease reuses a folder.
        """
        for older in self.work.iterdir():
            if int(older.name) < token:
                shutil.rmtree(older, ignore_errors=True)
        folder = self.work / str(token)
        folder.mkdir(exist_ok=True)
        with self._reserve(token).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVED_BYTES)
        return folder

    def free_reserve(self, token: int) -> None:
        """Free the disk space that the worker reserves."""
        self._reserve(token).unlink(missing_ok=True)

    def write_part(self, number: int, part: bytes) -> None:
        """Write the part of a block; it survives a crash. Raises OSError."""
        with atomic_write(self.part_path(number)) as file:
            file.write(part)

    def write_errors(self, number: int, errors: bytes) -> None:
        """Write the faults of a block's rows. Raises OSError."""
        with atomic_write(self._part_errors(number)) as file:
            file.write(errors)

    def part(self, number: int) -> bytes:
        """The part of a finished block. Raises OSError."""
        return self.part_path(number).read_bytes()

    def part_path(self, number: int) -> Path:
        """The file of a finished block's part."""
        return self.parts_folder / f"part-{number:08d}{self._part_suffix}"

    def errors_bytes(self, blocks: int) -> int:
        """Bytes of the faults of the first `blocks` blocks."""
        paths = (self._part_errors(number) for number in range(blocks))
        return sum(path.stat().st_size for path in paths if path.exists())

    def join_errors(self, blocks: int, more: int) -> None:
        """Join the faults of all blocks into one file, followed by the number of omitted ones. Raises OSError."""
        paths = (self._part_errors(number) for number in range(blocks))
        self.write_all_errors((path.read_bytes() for path in paths if path.exists()), more)

    def write_all_errors(self, errors: Iterable[bytes], more: int) -> None:
        """Write the file of faults; its last line counts the omitted ones. Raises OSError."""
        with atomic_write(self.errors) as file:
            file.writelines(errors)
            if more:
                file.write(b'{"more_errors":%d}\n' % more)

    def tidy(self, *, data_set: bool) -> None:
        """Remove what a finished job no longer needs. Parts that form a data set stay."""
        self._keep_only(self.result, self.errors, *((self.parts_folder,) if data_set else ()))
        for unfinished in self.parts_folder.glob(f".*{UNFINISHED}"):
            unfinished.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the output of a failed job, except the file of faults."""
        self._keep_only(self.errors)

    def remove(self) -> None:
        """Remove the folder. It is renamed first, so that a worker that still writes a part fails."""
        removed = self.folder.with_name(f".{self.folder.name}.{secrets.token_hex(4)}.removed")
        with suppress(OSError):
            self.folder.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)

    def _keep_only(self, *kept: Path) -> None:
        """Remove all other files. Those that cannot be removed now are removed with the job."""
        for path in [*self.folder.glob("*")]:
            if path not in kept:
                _remove(path)

    def _reserve(self, token: int) -> Path:
        return self.work / str(token) / "reserve"

    def _part_errors(self, number: int) -> Path:
        return self._errors / f"{number:08d}"


@contextmanager
def atomic_write(path: Path, temp_dir: Path | None = None) -> Iterator[BinaryIO]:
    """Write a file under a temporary name, flush it, and rename it; on an exception, remove it.

    The temporary file is in the same folder, or in `temp_dir`, which must be on the same disk.
    """
    unfinished = (temp_dir or path.parent) / f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}"
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        flush_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
