"""Rows of Parquet and Arrow files, read anywhere in them without holding more than a block."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from churn_api.contract.bounds import NO_BOUNDS
from churn_api.tables.arrow_types import coded_kind, plain_bytes, plain_kind, refuse_unreadable
from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.parquet_footer import Chunk, chunks
from churn_api.tables.parquet_pages import longest_shared_text
from churn_api.tables.regrouping import BATCH_ROWS
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import check_size

_DECODED_ROWS = 1 << 12
"""At a time, unless texts are so long that fewer will do: they are found out before they fill the memory."""


def stored_cells(layout: Layout, block: Block, read: Callable[[], pa.Table], coded: Sequence[str] = ()) -> Cells:
    """What `read` returns of a block: its columns of their plain kinds, or as codes where they are `coded`.

    Raises TableError where they cannot be read.
    """
    try:
        table = read()
    except (pa.ArrowException, OSError, StopIteration) as error:
        raise TableError(f"{Path(layout.path).name} is damaged") from error
    for field in table.schema:
        refuse_unreadable(layout.names.index(field.name) + 1, field)
    kinds = [
        (field.name, coded_kind(field.type) if field.name in coded else plain_kind(field.type))
        for field in table.schema
    ]
    rows = block.stop - block.start
    return Cells(table.cast(pa.schema(kinds)), np.arange(rows), rows, rows, None, [])


def read_arrow(path: str, names: Sequence[str], start: int, stop: int) -> pa.Table:
    """Rows of a regrouped Arrow file, all of one batch, or none."""
    with pa.memory_map(path) as source:
        schema = pa.ipc.open_file(source).schema
        if start == stop:
            return schema.empty_table().select(names)
        wanted = pa.ipc.IpcReadOptions(included_fields=[schema.get_field_index(name) for name in names])
        batch = pa.ipc.open_file(source, options=wanted).get_batch(start // BATCH_ROWS)
        first = start % BATCH_ROWS
        return pa.Table.from_batches([batch.slice(first, stop - start)]).select(names)


def read_parquet(layout: Layout, names: Sequence[str], block: Block, coded: Sequence[str] = ()) -> pa.Table:
    """Rows of a Parquet file, all of one row group, or none; texts of the columns `coded` as dictionaries.

    A file mostly holds them so, and decoding them takes as long as all the rest.
    What follows on from this thread's last call is read on; anything else is decoded from the row group's first row.
    """
    if block.start == block.stop:
        return pyarrow.parquet.read_schema(layout.path).empty_table().select(names)
    reader, _held.reader = _held.reader, None
    if reader is None or not reader.follows(layout.path, names, block.start):
        reader = _Reader(layout, names, coded)
    table = reader.rows(block.start, block.stop)
    # A file may hold text that is none, which nobody else looks at.
    table.validate(full=True)
    if not reader.done:
        _held.reader = reader
    return table


class _Reader:
    """Some columns of a Parquet file, read forwards."""

    def __init__(self, layout: Layout, names: Sequence[str], coded: Sequence[str]) -> None:
        self._path, self._names = layout.path, list(names)
        self._max_bytes = layout.block_bytes
        schema = pyarrow.parquet.read_schema(layout.path)
        # Before anything is decoded: a list of a few bytes may hold any number of values.
        for name in names:
            refuse_unreadable(layout.names.index(name) + 1, schema.field(name))
        texts = {field.name for field in schema if pa.types.is_string(field.type)}
        found = _chunks(Path(layout.path))
        codes = texts.intersection(coded) - {chunk.column for chunk in found if chunk.deltas}
        self._file = pyarrow.parquet.ParquetFile(layout.path, pre_buffer=False, read_dictionary=list(codes))
        footer = self._file.metadata
        repeating = {*names} - codes
        self._repeating = [chunk for chunk in found if chunk.column in repeating]
        groups = [footer.row_group(index).num_rows for index in range(self._file.num_row_groups)]
        self._ends = np.cumsum(groups)
        self._group = -1
        self._next = 0
        self._batches: Iterator[pa.RecordBatch] = iter(())

    @property
    def done(self) -> bool:
        """Whether the last row was read."""
        return bool(self._next == self._file.metadata.num_rows)

    def follows(self, path: str, names: Sequence[str], start: int) -> bool:
        """Whether these columns are read, and not yet beyond row `start`."""
        return self._path == path and self._names == list(names) and self._next <= start

    def rows(self, start: int, stop: int) -> pa.Table:
        """Rows of one row group; those between the last ones and `start` are decoded and dropped."""
        self._go_to_group_of(start)
        while self._next < start:
            self._next_batch()
        found, size = [], 0
        while self._next < stop:
            found.append(self._next_batch())
            size = check_size(Path(self._path), size + plain_bytes(found[-1]), self._max_bytes)
        return pa.Table.from_batches(found).select(self._names)

    def _go_to_group_of(self, row: int) -> None:
        group = int(np.searchsorted(self._ends, row, side="right"))
        if group != self._group:
            self._group = group
            self._next = int(self._ends[group - 1]) if group else 0
            longest = longest_shared_text(
                Path(self._path), [chunk for chunk in self._repeating if chunk.group == group]
            )
            rows = max(1, min(_DECODED_ROWS, self._max_bytes // max(1, longest)))
            self._batches = self._file.iter_batches(rows, [group], self._names, use_threads=False)

    def _next_batch(self) -> pa.RecordBatch:
        batch = next(self._batches)
        self._next += batch.num_rows
        return batch


def _chunks(path: Path) -> list[Chunk]:
    """Those of a file that was found to be within bounds, read once for all of a job's blocks."""
    now = path.stat()
    return _chunks_of(path, now.st_ino, now.st_mtime_ns)


@lru_cache(maxsize=2)
def _chunks_of(path: Path, *_: int) -> list[Chunk]:
    return list(chunks(path, NO_BOUNDS))


class _Held(threading.local):
    """A reader is no other thread's, and it stays where the next block is likely to follow."""

    reader: _Reader | None = None


_held = _Held()
