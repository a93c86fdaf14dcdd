"""A job's folder: what came in, the parts that are finished, the result.

Every file gets its name when it is whole, and parts are the same whoever makes them: two workers that take each other
for dead do no harm.
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
"""Room that the holder of a lease keeps: given back, it lets a full disk's own database be told."""


class JobFiles:
    """The folder of one job below the jobs folder, which every worker and web process shares.

    `part_suffix` ends the names of its parts: who reads them as a data set goes by it.
    """

    def __init__(self, jobs_dir: Path, job: str, part_suffix: str = "") -> None:
        self.folder = jobs_dir / job
        self.input = self.folder / "input"
        self.work = self.folder / "work"
        """Where an input is decompressed, in a folder of each lease's own."""
        self.result = self.folder / "result"
        self.errors = self.folder / "errors.ndjson"
        self.parts_folder = self.folder / "parts"
        self._errors = self.folder / "part-errors"
        self._part_suffix = part_suffix

    def begin(self) -> None:
        """Make the folders."""
        for folder in (self.work, self.parts_folder, self._errors):
            folder.mkdir(parents=True, exist_ok=True)

    def work_of(self, token: int) -> Path:
        """A folder that the holder of a lease alone writes to; those of leases before it go. Raises OSError.

        Who held one of those may read there still, and must not find the same file half written by another.
        """
        for folder in self.work.iterdir():
            if int(folder.name) < token:
                shutil.rmtree(folder, ignore_errors=True)
        own = self.work / str(token)
        own.mkdir(exist_ok=True)
        with self._reserve(token).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVED_BYTES)
        return own

    def free_reserve(self, token: int) -> None:
        """Give back the room that the holder of a lease keeps."""
        self._reserve(token).unlink(missing_ok=True)

    def write_part(self, number: int, part: bytes) -> None:
        """Keep the part of a block, so that it outlives a crash. Raises OSError."""
        with atomic_write(self._part(number)) as file:
            file.write(part)

    def write_errors(self, number: int, errors: bytes) -> None:
        """Keep the faults of a block's rows; of a block without any, nothing is kept. Raises OSError."""
        with atomic_write(self._part_errors(number)) as file:
            file.write(errors)

    def part(self, number: int) -> bytes:
        """The part of a block that is finished. Raises OSError."""
        return self._part(number).read_bytes()

    def errors_bytes(self, blocks: int) -> int:
        """What is kept of the first blocks' faults."""
        kept = (self._part_errors(number) for number in range(blocks))
        return sum(path.stat().st_size for path in kept if path.exists())

    def join_errors(self, blocks: int, more: int) -> None:
        """Write the faults of all blocks into one file, and how many more there are. Raises OSError."""
        kept = (self._part_errors(number) for number in range(blocks))
        self.write_all_errors((path.read_bytes() for path in kept if path.exists()), more)

    def write_all_errors(self, errors: Iterable[bytes], more: int) -> None:
        """Write the file of faults; its last line counts those that it has no room for. Raises OSError."""
        with atomic_write(self.errors) as file:
            file.writelines(errors)
            if more:
                file.write(b'{"more_errors":%d}\n' % more)

    def tidy(self, *, data_set: bool) -> None:
        """Remove what a finished job no longer needs; its parts stay where they are a data set of their own."""
        self._keep_only(self.result, self.errors, *((self.parts_folder,) if data_set else ()))
        for left in self.parts_folder.glob(f".*{UNFINISHED}"):
            left.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove what a failed job has made; what is told of its bad rows stays."""
        self._keep_only(self.errors)

    def remove(self) -> None:
        """Remove everything, and have nothing come after: who still writes a part finds no folder of this name."""
        removed = self.folder.with_name(f".{self.folder.name}.{secrets.token_hex(4)}.removed")
        with suppress(OSError):
            self.folder.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)

    def _keep_only(self, *kept: Path) -> None:
        """Remove the rest, which nobody asks for: what cannot be removed now goes with the job."""
        for path in [*self.folder.glob("*")]:
            if path not in kept:
                _remove(path)

    def _part(self, number: int) -> Path:
        return self.parts_folder / f"part-{number:08d}{self._part_suffix}"

    def _reserve(self, token: int) -> Path:
        return self.work / str(token) / "reserve"

    def _part_errors(self, number: int) -> Path:
        return self._errors / f"{number:08d}"


@contextmanager
def atomic_write(path: Path, beside: Path | None = None) -> Iterator[BinaryIO]:
    """A file that gets its name when its bytes are on the disk; of one that is not finished nothing stays.

    It is made in its own folder, or in `beside`, which is on the same disk.
    """
    unfinished = (beside or path.parent) / f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}"
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
