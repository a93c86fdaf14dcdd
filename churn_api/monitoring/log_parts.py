"""The Parquet files of one model, day and version; each lists what it was made of, so that nothing is added twice."""

import contextlib
import os
import secrets
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet

from churn_api.monitoring.log_folder import DayFolder
from churn_api.tables.parquet import Parquet

FULL_BYTES = 4 << 20
"""A file is written again with further rows until it has so many: few files, and little memory."""
_SOURCES = b"churn_api.sources"
_UNFINISHED = ".unfinished-"


class Sources(msgspec.Struct):
    """What the rows of a file were made of."""

    segments: dict[str, int] = {}
    """By the name of a segment that may still exist: the number of its last frame that was read."""
    blocks: dict[str, list[int]] = {}
    """By job, the numbers of the blocks."""


class VersionParts:
    """The files of one version in a day's folder."""

    def __init__(self, day: DayFolder, version: str) -> None:
        self._folder = day.path
        self._prefix = f"part-{version}-"
        self._sources = {path: read_sources(path) for path in self._paths()}

    def last_frame(self, segment: str) -> int:
        """The number of the last frame of a segment that a file has; 0 where none has any."""
        return max((one.segments.get(segment, 0) for one in self._sources.values()), default=0)

    def has_block(self, job: str, number: int) -> bool:
        """Whether a file has a block of a job."""
        return any(number in one.blocks.get(job, ()) for one in self._sources.values())

    def append(self, table: pa.Table, sources: Sources, existing: Container[str]) -> None:
        """Add rows, atomically: to a file that is not full, else to a new one. `existing` are segments' names."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._growing(table.schema)
        if path is None:
            path = self._folder / f"{self._prefix}{secrets.token_hex(8)}{Parquet.suffixes[0]}"
        else:
            before = self._sources[path]
            table = pa.concat_tables([_read(path), table])
            sources = _merged(before, sources, existing)
        write_part(path, table, sources)
        self._sources[path] = sources

    def _growing(self, schema: pa.Schema) -> Path | None:
        """A file with these columns that is not full."""
        for path in self._sources:
            if path.stat().st_size < FULL_BYTES and pyarrow.parquet.read_schema(path).equals(schema):
                return path
        return None

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob(f"{self._prefix}*.parquet"))


def read_sources(path: Path) -> Sources:
    """What a file was made of."""
    metadata: Mapping[bytes, bytes] = pyarrow.parquet.read_metadata(path).metadata or {}
    return msgspec.json.decode(metadata.get(_SOURCES, b"{}"), type=Sources)


def write_part(path: Path, table: pa.Table, sources: Sources) -> None:
    """Write a file atomically, and durably: the segments that it was made of are deleted next. Raises OSError."""
    unfinished = path.with_name(f"{_UNFINISHED}{path.name}")
    metadata = {**(table.schema.metadata or {}), _SOURCES: msgspec.json.encode(sources)}
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), unfinished, compression="zstd")
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder survive a crash of the machine. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(day: DayFolder) -> None:
    """Remove what a killed process has not finished writing."""
    for path in day.path.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _read(path: Path) -> pa.Table:
    table: Any = pyarrow.parquet.read_table(path, partitioning=None)
    return table


def _merged(before: Sources, added: Sources, existing: Container[str]) -> Sources:
    """The sources of both; of segments, those that exist: the others are never read again."""
    segments = {name: number for name, number in before.segments.items() if name in existing} | added.segments
    jobs = {*before.blocks, *added.blocks}
    return Sources(segments, {job: before.blocks.get(job, []) + added.blocks.get(job, []) for job in jobs})
