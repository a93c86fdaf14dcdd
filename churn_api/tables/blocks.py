"""Blocks: a file cut at the ends of rows. The same file is cut at the same places, wherever the cutting began."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow.parquet

from churn_api.tables import decompression as unfolding
from churn_api.tables.errors import TableError
from churn_api.tables.layout import OPEN_QUOTE, Layout
from churn_api.tables.row_boundaries import MAX_ROW_BYTES, line_at, whole_rows

TEXT_BYTES = 1 << 22
"""Of a block of text, at most, unless one row has more."""
ROWS = unfolding.BATCH_ROWS
"""Of a block of a large Parquet row group, and of one of Arrow."""
WHOLE_GROUP_ROWS = 4 * ROWS
"""A Parquet row group with at most so many is one block: decoding it costs least in one go."""


class Block(NamedTuple):
    """A part of a file: its bytes (CSV, NDJSON), which are whole rows, or its rows (Parquet, Arrow)."""

    number: int
    start: int
    stop: int


def blocks(layout: Layout, after: Block | None = None) -> Iterator[Block]:
    """A file's blocks in order: all, or those after one. Raises TableError where a row does not end."""
    number, start = (after.number + 1, after.stop) if after else (0, layout.start)
    for stop in _stops(layout, start):
        if stop > start:
            yield Block(number, start, stop)
            number, start = number + 1, stop


def _stops(layout: Layout, start: int) -> Iterator[int]:
    """The end of each block after `start`; of those before it too, where they are known anyway."""
    if layout.format == "parquet":
        return _parquet_stops(layout)
    if layout.format == "arrow":
        return iter([*range(ROWS, layout.stop, ROWS), layout.stop])
    return _text_stops(layout, start)


def _parquet_stops(layout: Layout) -> Iterator[int]:
    with pyarrow.parquet.ParquetFile(layout.path) as file:
        sizes = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    start = 0
    for size in sizes:
        if size > WHOLE_GROUP_ROWS:
            yield from range(start + ROWS, start + size, ROWS)
        start += size
        yield start


def _text_stops(layout: Layout, start: int) -> Iterator[int]:
    with Path(layout.path).open("rb") as file:
        while start < layout.stop:
            start = _text_stop(file, layout, start)
            yield start


def _text_stop(file: BinaryIO, layout: Layout, start: int) -> int:
    """The end of the last whole row in the shortest window that holds one."""
    window = TEXT_BYTES
    while start + window < layout.stop:
        file.seek(start)
        rows = _whole_rows(file.read(window), layout)
        if rows:
            return start + rows
        if window >= MAX_ROW_BYTES:
            raise _endless(layout, start)
        window *= 2
    return layout.stop


def _whole_rows(data: bytes, layout: Layout) -> int:
    return whole_rows(data, layout.delimiter) if layout.format == "csv" else data.rfind(b"\n") + 1


def _endless(layout: Layout, start: int) -> TableError:
    path = Path(layout.path)
    complaint = OPEN_QUOTE if layout.format == "csv" else "this is longer than a row can be"
    return TableError(f"{path.name}, line {line_at(path, start)}: {complaint}")
