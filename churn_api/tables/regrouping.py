"""Rewrites Arrow streams and files in batches of equal size, which gives random access to rows."""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from churn_api.contract.size_limits import CELL_BYTES, Bounds
from churn_api.tables.arrow_messages import messages
from churn_api.tables.arrow_types import is_readable, plain_bytes, plain_field
from churn_api.tables.file_parts import BLOCK_ROWS, MAX_MESSAGE_BYTES
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import block_bytes, check_columns, check_size

BATCH_ROWS = BLOCK_ROWS
"""Rows of each batch of a regrouped Arrow file, except the last batch."""

_ARROW_FILE = b"ARROW1"
_STREAM_IN_FILE = 8
"""The offset of the stream within an Arrow file, which adds a footer."""


def regroup(path: Path, target: Path, bounds: Bounds) -> Path:
    """Write to `target` the rows of an Arrow stream or file, in batches of BATCH_ROWS, each column in its plain type.

    Raises TableError, TooLarge where the rows take more than allowed, or TooManyRows.
    """
    try:
        with pa.memory_map(str(path)) as source:
            start = _STREAM_IN_FILE * (source.read(len(_ARROW_FILE)) == _ARROW_FILE)
            source.seek(start)
            schema = pa.ipc.open_stream(source).schema
            check_columns(path, len(schema), bounds)
            source.seek(start)
            _check_messages(path, source, len(schema), bounds)
            source.seek(start)
            plain = pa.schema(map(plain_field, schema))
            write_regrouped(target, plain, _plain_batches(path, pa.ipc.open_stream(source), plain, bounds))
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError, struct.error) as error:
        if isinstance(error, TableError) or getattr(error, "errno", None):
            raise  # a bound was exceeded, or the disk failed: the file itself is valid
        raise TableError(f"{path.name} is not a complete Arrow stream") from error
    return target


def write_regrouped(target: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches of at most BATCH_ROWS rows as a file whose batches, except the last, have BATCH_ROWS rows."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    with pa.ipc.new_file(target, schema) as writer:
        for batch in batches:
            pending.append(batch)
            rows += batch.num_rows
            if rows >= BATCH_ROWS:
                joined = pa.concat_batches(pending)
                writer.write_batch(joined.slice(0, BATCH_ROWS))
                pending = [joined.slice(BATCH_ROWS)]
                rows -= BATCH_ROWS
        if rows:
            writer.write_batch(pa.concat_batches(pending))


def _check_messages(path: Path, source: pa.NativeFile, columns: int, bounds: Bounds) -> None:
    """Raise TooManyRows or TooLarge where a stream exceeds its bounds; decompresses nothing."""
    rows = size = 0
    for message in messages(source):
        rows += message.rows
        bounds.check_rows(rows)
        size = check_size(path, size + max(message.bytes, message.rows * columns * CELL_BYTES), bounds.bytes)
        if message.compressed:
            check_size(path, message.bytes, MAX_MESSAGE_BYTES)


def _plain_batches(
    path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema, bounds: Bounds
) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of at most BATCH_ROWS, each column in its plain type; checks the size of each batch."""
    size, most = 0, min(bounds.bytes, block_bytes(len(schema)))
    for batch in batches:
        readable = [name for name, field in zip(range(len(schema)), batch.schema, strict=True) if is_readable(field)]
        cells = batch.select(readable)
        cells.validate(full=True)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            part = cells.slice(start, BATCH_ROWS)
            size = check_size(path, size + check_size(path, plain_bytes(part), most), bounds.bytes)
            columns = [pa.nulls(part.num_rows)] * len(schema)
            for index, column in zip(readable, part.columns, strict=True):
                columns[index] = column.cast(schema.types[index])
            yield pa.record_batch(columns, schema=schema)
