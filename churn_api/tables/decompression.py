"""Files that can only be read from front to back, written out so that they can be read anywhere."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.tables.arrow_types import plain_kind
from churn_api.tables.errors import TableError, TooLarge

BATCH_ROWS = 1 << 15
"""Rows of each batch of a regrouped Arrow file, except its last."""

_GZIP = b"\x1f\x8b"
_ARROW_FILE = b"ARROW1"
_PIECE = 1 << 20


def is_gzip(path: Path) -> bool:
    """Whether a file begins as gzip does."""
    with path.open("rb") as file:
        return file.read(len(_GZIP)) == _GZIP


def unzip(path: Path, target: Path, max_bytes: int) -> Path:
    """Write to `target` what a gzip file holds. Raises TableError, or TooLarge beyond `max_bytes`."""
    written = 0
    try:
        with gzip.open(path) as source, target.open("wb") as file:
            while piece := source.read(_PIECE):
                written = _within(path, written + len(piece), max_bytes)
                file.write(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TableError(f"{path.name} is not a whole gzip file") from error
    return target


def regroup(path: Path, target: Path, max_bytes: int) -> Path:
    """Write to `target` the rows of an Arrow stream or file, in batches of BATCH_ROWS, each column of its plain kind.

    Raises TableError, or TooLarge where the rows take more than `max_bytes` of memory.
    """
    try:
        with pa.memory_map(str(path)) as source:
            schema, batches = _read_arrow(source)
            plain = pa.schema([(field.name, plain_kind(field.type)) for field in schema])
            with pa.ipc.new_file(target, plain) as writer:
                for batch in _regrouped(_plain_batches(path, batches, plain, max_bytes)):
                    writer.write_batch(batch)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if getattr(error, "errno", None):  # the disk's fault, and not the file's
            raise
        raise TableError(f"{path.name} is not a whole Arrow stream") from error
    return target


def _read_arrow(source: pa.NativeFile) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    if source.read(len(_ARROW_FILE)) == _ARROW_FILE:
        file = pa.ipc.open_file(source)
        return file.schema, map(file.get_batch, range(file.num_record_batches))
    source.seek(0)
    stream = pa.ipc.open_stream(source)
    return stream.schema, iter(stream)


def _plain_batches(
    path: Path, batches: Iterator[pa.RecordBatch], schema: pa.Schema, max_bytes: int
) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of BATCH_ROWS at most. What a batch unfolds to is known before it is unfolded."""
    size = 0
    for batch in batches:
        batch.validate(full=True)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            columns = batch.slice(start, BATCH_ROWS).columns
            size = _within(path, size + sum(map(_plain_bytes, columns)), max_bytes)
            plain = [column.cast(kind) for column, kind in zip(columns, schema.types, strict=True)]
            yield pa.record_batch(plain, schema=schema)


def _plain_bytes(column: pa.Array) -> int:
    """What a column takes once it is of its plain kind, where one text may be shared by many rows."""
    if pa.types.is_dictionary(column.type) and plain_kind(column.type) == pa.string():
        lengths = pc.binary_length(column.dictionary.cast(pa.string())).take(column.indices)
    elif pa.types.is_string_view(column.type):
        lengths = pc.binary_length(column)
    else:
        return int(column.nbytes)
    return pc.sum(lengths).as_py() or 0


def _regrouped(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of BATCH_ROWS, except the last. Takes batches of BATCH_ROWS at most."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= BATCH_ROWS:
            whole = pa.concat_batches(held)
            yield whole.slice(0, BATCH_ROWS)
            held = [whole.slice(BATCH_ROWS)]
            rows -= BATCH_ROWS
    if rows:
        yield pa.concat_batches(held)


def _within(path: Path, size: int, max_bytes: int) -> int:
    if size > max_bytes:
        raise TooLarge(f"{path.name} unfolds to more than {max_bytes} bytes")
    return size
