"""Reads row ranges of Parquet and Arrow files, with at most one block in memory."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from churn_api.contract.size_limits import NO_BOUNDS
from churn_api.tables.arrow_types import dictionary_type, plain_bytes, plain_type, refuse_unreadable
from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.parquet_footer import Chunk, chunks
from churn_api.tables.parquet_pages import longest_shared_text
from churn_api.tables.regrouping import BATCH_ROWS
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import check_size

_DECODED_ROWS = 1 << 12
"""Rows decoded at a time; fewer where texts are long, so that a block beyond its bounds is rejected early."""


def stored_cells(layout: Layout, block: Block, read: Callable[[], pa.Table], coded: Sequence[str] = ()) -> Cells:
    """The columns that `read` returns, cast to plain types; those in `coded` may remain dictionary-encoded.

    Raises TableError where a column cannot be read.
    """
    try:
        table = read()
    except (pa.ArrowException, OSError, StopIteration) as error:
        raise TableError(f"{Path(layout.path).name} is damaged") from error
    for field in table.schema:
        refuse_unreadable(layout.names.index(field.name) + 1, field)
    kinds = [
        (field.name, dictionary_type(field.type) if field.name in coded else plain_type(field.type))
        for field in table.schema
    ]
    rows = block.stop - block.start
    return Cells(table.cast(pa.schema(kinds)), np.arange(rows), rows, rows, None, [])


def read_arrow(path: str, names: Sequence[str], start: int, stop: int) -> pa.Table:
    """Read rows of a regrouped Arrow file; the range must lie within one batch."""
    with pa.memory_map(path) as source:
        schema = pa.ipc.open_file(source).schema
        if start == stop:
            return schema.empty_table().select(names)
        wanted = pa.ipc.IpcReadOptions(included_fields=[schema.get_field_index(name) for name in names])
        batch = pa.ipc.open_file(source, options=wanted).get_batch(start // BATCH_ROWS)
        first = start % BATCH_ROWS
        return pa.Table.from_batches([batch.slice(first, stop - start)]).select(names)


def read_parquet(layout: Layout, names: Sequence[str], block: Block, coded: Sequence[str] = ()) -> pa.Table:
    """Read rows of a Parquet file; the range must lie within one row group. Text in `coded` is dictionary-encoded.

    Files usually store text as dictionaries, and decoding them would take half of the time. A range after this
    thread's last one continues its decoder; any other range is decoded from the first row of its row group.
    """
    if block.start == block.stop:
        return pyarrow.parquet.read_schema(layout.path).empty_table().select(names)
    reader, _last.reader = _last.reader, None
    if reader is None or not reader.follows(layout.path, names, block.start):
        reader = _Reader(layout, names, coded)
    table = reader.rows(block.start, block.stop)
    # Arrow does not otherwise check that text in a file is valid UTF-8.
    table.validate(full=True)
    if not reader.done:
        _last.reader = reader
    return table


class _Reader:
    """Reads columns of a Parquet file, forwards only."""

    def __init__(self, layout: Layout, names: Sequence[str], coded: Sequence[str]) -> None:
        self._path, self._names = layout.path, list(names)
        self._max_bytes = layout.block_bytes
        schema = pyarrow.parquet.read_schema(layout.path)
        # Before anything is decoded: a few bytes of a list column may decode to any number of values.
        for name in names:
            refuse_unreadable(layout.names.index(name) + 1, schema.field(name))
        texts = {field.name for field in schema if pa.types.is_string(field.type)}
        chunks_of_file = _chunks(Path(layout.path))
        codes = texts.intersection(coded) - {chunk.column for chunk in chunks_of_file if chunk.deltas}
        self._file = pyarrow.parquet.ParquetFile(layout.path, pre_buffer=False, read_dictionary=list(codes))
        metadata = self._file.metadata
        repeating = {*names} - codes
        self._repeating = [chunk for chunk in chunks_of_file if chunk.column in repeating]
        groups = [metadata.row_group(index).num_rows for index in range(self._file.num_row_groups)]
        self._ends = np.cumsum(groups)
        self._group = -1
        self._next = 0
        self._batches: Iterator[pa.RecordBatch] = iter(())

    @property
    def done(self) -> bool:
        """Whether the last row has been read."""
        return bool(self._next == self._file.metadata.num_rows)

    def follows(self, path: str, names: Sequence[str], start: int) -> bool:
        """Whether this reader reads these columns, and has not passed row `start`."""
        return self._path == path and self._names == list(names) and self._next <= start

    def rows(self, start: int, stop: int) -> pa.Table:
        """Read rows of one row group; rows between the last position and `start` are decoded and dropped."""
        self._go_to_group_of(start)
        while self._next < start:
            self._next_batch()
        batches, size = [], 0
        while self._next < stop:
            batches.append(self._next_batch())
            size = check_size(Path(self._path), size + plain_bytes(batches[-1]), self._max_bytes)
        return pa.Table.from_batches(batches).select(self._names)

    def _go_to_group_of(self, row: int) -> None:
        group = int(np.searchsorted(self._ends, row, side="right"))
        if group != self._group:
            self._group = group
            self._next = int(self._ends[group - 1]) if group else 0
            longest = longest_shared_text(
                Path(self._path), [chunk for chunk in self._repeating if chunk.group == group]
            )
            most = max(1, min(_DECODED_ROWS, self._max_bytes // max(1, longest)))
            # A power of two, so that batches end where blocks do.
            rows = 1 << (most.bit_length() - 1)
            self._batches = self._file.iter_batches(rows, [group], self._names, use_threads=False)

    def _next_batch(self) -> pa.RecordBatch:
        batch = next(self._batches)
        self._next += batch.num_rows
        return batch


def _chunks(path: Path) -> list[Chunk]:
    """The column chunks of a file whose bounds were checked before; cached for the other blocks of the file."""
    stat = path.stat()
    return _cached_chunks(path, stat.st_ino, stat.st_mtime_ns)


@lru_cache(maxsize=2)
def _cached_chunks(path: Path, *_: int) -> list[Chunk]:
    return list(chunks(path, NO_BOUNDS))


class _LastReader(threading.local):
    """The reader of this thread's last call, which the next block is likely to continue."""

    reader: _Reader | None = None


_last = _LastReader()
